// The program's malloc is jemalloc: requests are freed by another shard than their own as often as not, and what a burst took is
// to go back to the system. A thread of its own gives back what was not used for a second.
// Source: jemalloc(3), "TUNING".
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}
