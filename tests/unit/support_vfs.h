#ifndef TESTS_SUPPORT_VFS_H
#define TESTS_SUPPORT_VFS_H
/*
 * A disk that fails: between SQLite and the system's files, for every database that the process opens
 * after vfs_install. What is counted are the operations of the kinds asked for, of any thread.
 */
#include <stdbool.h>

enum vfs_operation { VFS_READ = 1, VFS_WRITE = 2, VFS_SYNC = 4, VFS_TRUNCATE = 8, VFS_SYNC_FILE = 16 /* of the database itself, not of its log */ };

struct vfs_fault {
	const char *name;
	int operations; /* which ones: a set of enum vfs_operation */
	int code;       /* what SQLite is told: SQLITE_IOERR_WRITE … */
	bool torn;      /* half of a write is written before it fails */
	bool lasting;   /* all of them fail from the nth on, until the fault is lifted */
};

void vfs_install(void);
/* From now on the nth (1 …) of these operations fails. f must outlive it. */
void vfs_arm(const struct vfs_fault *f, int nth);
/* How many operations have failed so far. */
int vfs_failed(void);
/* The disk is sound again; how many operations have failed. */
int vfs_lift(void);

#endif
