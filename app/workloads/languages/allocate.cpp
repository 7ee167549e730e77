// The work of `allocate` in C++: trees of small linked objects, built, walked and let go, on 1 to N threads.
// Arguments and lines are those of app/workloads/languages/protocol.py.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

struct Owned {
  using Pointer = std::unique_ptr<Owned>;
  Pointer left, right;
  static Pointer make() { return std::make_unique<Owned>(); }
};

struct Counted {
  using Pointer = std::shared_ptr<Counted>;
  Pointer left, right;
  static Pointer make() { return std::make_shared<Counted>(); }
};

template <class Node>
typename Node::Pointer build(int depth) {
  auto node = Node::make();
  if (depth > 0) {
    node->left = build<Node>(depth - 1);
    node->right = build<Node>(depth - 1);
  }
  return node;
}

template <class Node>
std::int64_t nodes(const Node& node) {
  return 1 + (node.left ? nodes(*node.left) + nodes(*node.right) : 0);
}

// A counter to itself on its cache line, so that counting does not make threads wait for each other.
struct alignas(64) Counter {
  std::atomic<std::int64_t> trees{0};
};

template <class Node>
void work(int depth, std::size_t keep, const std::atomic<bool>& stop, Counter& counter) {
  std::vector<typename Node::Pointer> kept(keep);
  const std::int64_t expected = (std::int64_t{2} << depth) - 1;
  for (std::size_t turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
    auto tree = build<Node>(depth);
    if (nodes(*tree) != expected) {
      std::fputs("a tree has lost nodes\n", stderr);
      std::_Exit(1);
    }
    kept[turn % keep] = std::move(tree);
    counter.trees.fetch_add(1, std::memory_order_relaxed);
  }
}

std::int64_t nanoseconds(Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::int64_t sum(const std::vector<Counter>& counters) {
  std::int64_t trees = 0;
  for (const auto& counter : counters) trees += counter.trees.load(std::memory_order_relaxed);
  return trees;
}

template <class Node>
void phase(int depth, std::size_t keep, int threads, std::chrono::milliseconds length) {
  std::atomic<bool> stop{false};
  std::vector<Counter> counters(threads);
  std::vector<std::thread> workers;
  const auto start = Clock::now();
  for (auto& counter : counters)
    workers.emplace_back([&, depth, keep] { work<Node>(depth, keep, stop, counter); });
  for (auto now = start; now < start + length; now = Clock::now()) {
    std::this_thread::sleep_for(std::min<Clock::duration>(start + length - now, std::chrono::milliseconds(100)));
    std::printf("{\"trees\":%lld}\n", static_cast<long long>(sum(counters)));
    std::fflush(stdout);
  }
  const auto end = Clock::now();
  const auto trees = sum(counters);
  stop.store(true, std::memory_order_relaxed);
  for (auto& worker : workers) worker.join();
  std::printf("{\"done\":{\"threads\":%d,\"trees\":%lld,\"start_ns\":%lld,\"end_ns\":%lld,\"pauses\":[]}}\n",
              threads, static_cast<long long>(trees), static_cast<long long>(nanoseconds(start)),
              static_cast<long long>(nanoseconds(end)));
  std::fflush(stdout);
}

template <class Node>
void serve(int depth, std::size_t keep) {
  std::thread running;
  for (int threads, milliseconds; std::scanf("%d %d", &threads, &milliseconds) == 2;) {
    if (running.joinable()) running.join();
    running = std::thread(phase<Node>, depth, keep, threads, std::chrono::milliseconds(milliseconds));
  }
  std::_Exit(0);  // whoever asked is gone, and may have gone amid a phase
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: allocate DEPTH KEEP unique_ptr|shared_ptr\n", stderr);
    return 2;
  }
  const int depth = std::atoi(argv[1]);
  const std::size_t keep = std::strtoul(argv[2], nullptr, 10);
  const bool counted = std::strcmp(argv[3], "shared_ptr") == 0;
  std::printf("{\"ready\":{\"name\":\"C++ %s\",\"version\":\"g++ %s\"}}\n", argv[3], __VERSION__);
  std::fflush(stdout);
  counted ? serve<Counted>(depth, keep) : serve<Owned>(depth, keep);
}
