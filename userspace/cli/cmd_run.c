// SPDX-License-Identifier: Apache-2.0
/* cloister run: protect a file and run a command that gets the region's descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "stats.h"

enum {
	OPTION_PROTECT = CLI_OPTION_FIRST,
	OPTION_WRITABLE,
	OPTION_DEBUG,
	OPTION_RESIDENT,
};

static const struct option options[] = {
	CLI_COMMON_OPTIONS,
	CLI_DEVICE_OPTION,
	{ "protect", required_argument, NULL, OPTION_PROTECT },
	{ "writable", no_argument, NULL, OPTION_WRITABLE },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "resident", required_argument, NULL, OPTION_RESIDENT },
	{ 0 }
};

struct run {
	struct cli *cli;
	const char *file;
	uint64_t resident;
	uint32_t file_flags;
	char **command;
	struct cloister_file_region made;
};

/* Signals that end a program, or that programs use between themselves. */
static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM };

static int set_number(const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return setenv(name, text, 1);
}

/* In the child: hands over the region and becomes the command. Returns only an errno. */
static int become_command(const struct run *run, const sigset_t *signals)
{
	int fd = cloister_region_fd(run->made.region);

	if (fcntl(fd, F_SETFD, 0) ||
	    set_number("CLOISTER_REGION_FD", (uint64_t)fd) ||
	    set_number("CLOISTER_REGION_SIZE", cloister_region_size(run->made.region)) ||
	    set_number("CLOISTER_FILE_SIZE", run->made.file_size))
		return errno;
	sigprocmask(SIG_SETMASK, signals, NULL);
	execvp(run->command[0], run->command);
	return errno;
}

/*
 * Waits for the child and passes on the signals that come for it. SIGCHLD and the forwarded
 * signals are blocked, so none of them is lost between two waits.
 */
static int wait_for(pid_t child, const sigset_t *waited)
{
	siginfo_t info;
	int status;

	for (;;) {
		int number = sigwaitinfo(waited, &info);

		if (number == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
			return status;
		/* The terminal gives its signals to the whole process group by itself. */
		if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, number);
	}
}

static int exec_failed(struct run *run, int error)
{
	if (error == ENOENT)
		return cli_fail(run->cli, CLI_EXIT_NOT_FOUND,
				"can't find the command %s; give its path or check PATH",
				run->command[0]);
	return cli_fail(run->cli, CLI_EXIT_CANNOT_EXEC, "can't execute %s: %s", run->command[0],
			strerror(error));
}

/* The JSON of a run comes last and on stderr: stdout is the command's. */
static void report(struct run *run, int status)
{
	uint64_t size = cloister_region_size(run->made.region);
	struct cloister_stats stats;
	json_t *object;

	if (!run->cli->json)
		return;
	object = json_pack("{s:b, s:i, s:o, s:s, s:I, s:I}", "ok", 1, "exit", status,
			   "measurement", cli_json_hex(run->made.measurement, CLOISTER_DIGEST_LEN),
			   "file", run->file, "file-size", (json_int_t)run->made.file_size,
			   "region-size", (json_int_t)size);
	if (object && !cloister_region_stats(run->made.region, &stats))
		json_object_set_new(object, "stats", cli_stats_json(&stats));
	cli_print_json(run->cli, object);
}

/*
 * The other end of the pipe closes when the command starts; if it can't be started, the errno
 * comes through first.
 */
static int start_failure(int fd)
{
	int error = 0;
	ssize_t got;

	do {
		got = read(fd, &error, sizeof(error));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(error) ? error : 0;
}

static int run_command(struct run *run)
{
	sigset_t waited, before;
	int pipes[2];
	pid_t child;
	int status;
	int error;
	size_t i;

	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&waited, forwarded[i]);
	sigprocmask(SIG_BLOCK, &waited, &before);
	/* An inherited SIG_IGN would have the kernel reap the child before waitpid() does. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe2(pipes, O_CLOEXEC))
		return cli_fail(run->cli, CLI_EXIT_RUN, "can't make a pipe: %s", strerror(errno));
	fflush(NULL);
	child = fork();
	if (child < 0) {
		error = errno;
		close(pipes[0]);
		close(pipes[1]);
		return cli_fail(run->cli, CLI_EXIT_RUN, "can't start a process: %s",
				strerror(error));
	}
	if (!child) {
		error = become_command(run, &before);
		/* Should the parent be gone, nobody waits for the status either. */
		if (write(pipes[1], &error, sizeof(error)) < 0)
			_exit(CLI_EXIT_INTERNAL);
		_exit(CLI_EXIT_RUN);
	}
	close(pipes[1]);
	error = start_failure(pipes[0]);
	close(pipes[0]);
	status = wait_for(child, &waited);
	if (error)
		return exec_failed(run, error);
	status = WIFSIGNALED(status) ? CLI_EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	report(run, status);
	return status;
}

static int protect_and_run(struct run *run, struct cloister_device *device)
{
	struct cli_progress progress;
	int status;
	int code;

	cli_progress_start(run->cli, &progress, "protecting");
	code = cloister_region_from_file(device, run->file, run->file_flags, run->resident,
					 cli_progress_step, &progress, &run->made);
	cli_progress_end(&progress);
	if (code)
		return cli_fail_cloister(run->cli, code, cloister_device_error(device));
	status = run_command(run);
	cloister_region_close(run->made.region);
	return status;
}

static int take_options(struct run *run, int argc, char **argv)
{
	struct cli *cli = run->cli;
	int option;
	int status;

	while ((option = cli_getopt(cli, argc, argv, "+", options)) >= 0) {
		if (option == OPTION_PROTECT) {
			run->file = optarg;
		} else if (option == OPTION_WRITABLE) {
			run->file_flags |= CLOISTER_FILE_WRITABLE;
		} else if (option == OPTION_DEBUG) {
			run->file_flags |= CLOISTER_FILE_DEBUG;
		} else {
			status = cli_parse_size(cli, "--resident", optarg, &run->resident);
			if (status)
				return status;
		}
	}
	if (option == CLI_GETOPT_STOP)
		return cli->status;
	if (!run->file)
		return cli_usage_error(cli, "--protect is missing: the file to protect");
	if (optind == argc)
		return cli_usage_error(cli, "no command is given; put it after --");
	run->command = argv + optind;
	return 0;
}

static int run_run(struct cli *cli, int argc, char **argv)
{
	struct run run = { .cli = cli };
	struct cloister_device *device;
	int status;

	/* A --json after the command's name is the command's. */
	cli->json = false;
	cli->json_out = stderr;
	status = take_options(&run, argc, argv);
	if (status || !run.command)
		return status;
	device = cli_device(cli, true, &status);
	if (!device)
		return status;
	status = protect_and_run(&run, device);
	cloister_device_free(device);
	return status;
}

const struct cli_command cmd_run = {
	.name = "run",
	.summary = "Protect a file and run a command that gets the region.",
	.usage = "--protect FILE [--writable] [--debug] [--resident SIZE] [--json]\n"
		 "       -- COMMAND [ARGUMENT...]",
	.help = "The command finds the region's descriptor in CLOISTER_REGION_FD, the region's\n"
		"size in CLOISTER_REGION_SIZE and the file's in CLOISTER_FILE_SIZE. The exit\n"
		"status is the command's, or 128+N when signal N ended it.\n\n"
		"  --protect FILE     the file to protect\n"
		"  --writable         the command may write to the pages (FILE is not changed)\n"
		"  --debug            guards pass over the command: it can be traced; quotes say so\n"
		"  --resident SIZE    most plaintext in memory at a time, as 16M; the rest is sealed\n"
		"  --device PATH      the device; " CLOISTER_DEVICE " by default\n",
	.run = run_run,
	.failure_exit = CLI_EXIT_RUN,
};
