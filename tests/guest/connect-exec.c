/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect-exec SOCKET PROGRAM [ARGUMENT]...: connects to a UNIX socket and becomes that program, which has the connection
 * as descriptor 3. For programs that are given a connection and make none: the side of a switch that comes to the VMM.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTION_FD 3

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (argc < 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 64;
	(void) strcpy(address.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	if (fd != CONNECTION_FD && dup2(fd, CONNECTION_FD) < 0) {
		perror("dup2");
		return 1;
	}
	(void) execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
