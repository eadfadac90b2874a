// Directories that are made so that they stay. Blocks.
#pragma once

#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"

namespace millrace {

// Makes the directories of `path` that are missing, and syncs the one above each that it makes: no loss of power takes
// away what is synced in them. Errors: as FileSystem's.
Status make_durable_directories(FileSystem& files, const std::string& path);

}  // namespace millrace
