// The version of this program.
#pragma once

namespace txindex {

// "0.1.0". A function, so that a test can link one program with two versions.
const char* version();

}  // namespace txindex
