// What libtorch does between two moments, written as a trace of Chrome's format: the profiler of the very libtorch that
// computes, which its Rust bindings leave out. See model/profile.rs.
#include <cstring>
#include <exception>
#include <string>

#include <torch/csrc/autograd/profiler_kineto.h>

namespace {

using torch::profiler::impl::ActivityType;

// Runs `work`; what it throws goes into `said`, `room` bytes with the zero at the end. 0 when it threw nothing.
template <typename Work>
int guarded(char* said, size_t room, Work work) {
  try {
    work();
    return 0;
  } catch (const std::exception& e) {
    std::strncpy(said, e.what(), room - 1);
  } catch (...) {
    std::strncpy(said, "libtorch's profiler failed", room - 1);
  }
  said[room - 1] = 0;
  return 1;
}

}  // namespace

extern "C" int reid_profile_start(int cuda, char* said, size_t room) {
  return guarded(said, room, [&] {
    torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
    std::set<ActivityType> activities{ActivityType::CPU};
    if (cuda) activities.insert(ActivityType::CUDA);
    torch::autograd::profiler::prepareProfiler(config, activities);
    torch::autograd::profiler::enableProfiler(config, activities);
  });
}

extern "C" int reid_profile_stop(const char* path, char* said, size_t room) {
  return guarded(said, room, [&] { torch::autograd::profiler::disableProfiler()->save(path); });
}
