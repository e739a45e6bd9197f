// accrued, the daemon: reads its configuration, runs the pipeline, and stops it on SIGTERM or SIGINT; or works for
// another, or does a chore.
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.hpp>

#include "daemon/command_line.hpp"
#include "daemon/log.hpp"
#include "daemon/loops.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/worker_processes.hpp"

namespace {

// Large messages have memory of their own, which goes when they go: left to itself, glibc would learn from the first of
// them to carve the others out of heaps that cannot shrink.
void give_large_memory_back() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

// Every thread started from here on inherits the mask, so the signals are taken by wait_for_stop() alone.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void wait_for_stop(const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) accrue::daemon::log_info("ignored", {{"signal", "SIGHUP"}});
  }
  accrue::daemon::log_info("stopping");
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second signal ends a stop that takes too long
}

// One worker, on this thread.
int work(const accrue::daemon::WorkerCommand& command) {
  using namespace accrue::daemon;
  configure_log(command.log_level, command.log_format);
  give_large_memory_back();
  if (command.supervisor) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != *command.supervisor) return 1;  // it has ended already
  }
  const sigset_t signals = block_signals();
  try {
    const int stop = signalfd(-1, &signals, SFD_CLOEXEC);
    zmq::context_t context;
    WorkerLoop(context, command.endpoint, worker_name(getpid())).run(stop);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "accrued worker: " << error.what() << std::endl;
    return 1;
  }
}

int do_chore(const accrue::daemon::Chore& chore) {
  try {
    const accrue::daemon::ChoreResult result = accrue::daemon::run(chore);
    std::cout << result.text << std::flush;
    return result.good && std::cout ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "accrued: " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace accrue::daemon;
  const ParsedCommand parsed = parse_command_line(argc, argv);
  if (const Exit* exit = std::get_if<Exit>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << exit->text;
    return exit->code;
  }
  if (const WorkerCommand* command = std::get_if<WorkerCommand>(&parsed)) return work(*command);
  if (const Chore* chore = std::get_if<Chore>(&parsed)) return do_chore(*chore);
  const Config& config = std::get<Config>(parsed);
  give_large_memory_back();
  configure_log(config.log_level, config.log_format);
  const sigset_t signals = block_signals();
  try {
    Pipeline pipeline(config);
    std::cout << "accrued " ACCRUE_VERSION " listening on " << pipeline.endpoint() << std::endl;
    if (!pipeline.http_url().empty()) std::cout << "HTTP on " << pipeline.http_url() << std::endl;
    return pipeline.run([&] { wait_for_stop(signals); }) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "accrued: " << error.what() << std::endl;
    return 1;
  }
}
