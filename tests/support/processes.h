// Several communicators over Gloo in one test: a thread stands for each process.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

#include "tvae/dist/c10d_communicator.h"

namespace tvae::test {

/// A port that nobody listens to.
inline int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// Calls work(communicator) in `size` threads. What one of them throws fails the test.
inline void in_processes(int size, const std::function<void(Communicator&)>& work) {
  Launch launch;
  launch.world_size = launch.local_world_size = size;
  launch.master_address = "127.0.0.1";
  launch.master_port = free_port();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      Launch own = launch;
      own.rank = own.local_rank = rank;
      try {
        const auto communicator = join_processes(own, [](ExitCode, const std::string& line) { ADD_FAILURE() << line; });
        work(*communicator);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "process " << rank << ": " << error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tvae::test
