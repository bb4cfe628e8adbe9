// How errors leave the program: a line on stderr, with --json an object on stdout too, and an exit
// code.
#pragma once

namespace lathe::apps {

/// Reports the exception that is being handled; the exit code: 2 wrong use, 3 bad data or file, 4
/// numbers that went wrong, 5 device, memory or disk.
int report_error(bool json);

}  // namespace lathe::apps
