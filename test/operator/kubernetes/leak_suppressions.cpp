// cpprest's threads end when the process does, after OpenSSL has cleaned up: what OpenSSL keeps for each of them is never freed.
// Without frame pointers in those libraries, only the slow unwinder sees who allocated.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
extern "C" {
const char* __asan_default_options() { return "fast_unwind_on_malloc=0:malloc_context_size=20"; }
const char* __lsan_default_suppressions() { return "leak:libcpprest.so\n"; }
}
#endif
#endif
