#ifndef STORE_LOG_FILE_H
#define STORE_LOG_FILE_H
/*
 * The write-ahead log, written in one piece a commit. SQLite writes each frame by two calls, a header
 * of 24 bytes and the page; a declaration alone is some thirty frames. Here they are gathered and written
 * when SQLite syncs, reads or asks for the size: it cannot tell the difference. Another process that
 * reads the log meanwhile sees only frames that were committed, thus synced: with synchronous =
 * FULL, the only way we open a database for writing.
 */

/* The name of a VFS that does this over the process's default one, for sqlite3_open_v2; NULL when
 * there is no default. Any thread. Source: sqlite.org/vfs.html, sqlite.org/walformat.html */
const char *log_file_vfs(void);

#endif
