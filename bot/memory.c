#include "bot/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIM_AT (512 << 10)
#define MMAP_AT (256 << 10)

/* Set, they do not grow by themselves: otherwise one large block that is freed raises what malloc keeps for good. */
void memory_configure(void)
{
	mallopt(M_MMAP_THRESHOLD, MMAP_AT);
	mallopt(M_TRIM_THRESHOLD, TRIM_AT);
}

/*
 * Linking touches most pages of fifty libraries, of which little is used later. Only what is never written, and so
 * is the file's and comes back from there, may be dropped.
 */
static int drop_object(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)context;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + p->p_vaddr, to = from + p->p_filesz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		from = (from + page - 1) & ~(page - 1);
		to &= ~(page - 1);
		if (from < to)
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void memory_started(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_object, NULL);
}
