# Assertions stay in the shipped program: a broken invariant must not go on writing the record.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os")

# One interface library carries every flag, so that no floor is built more loosely than another.
add_library(sitrep_flags INTERFACE)
target_compile_definitions(sitrep_flags INTERFACE _GNU_SOURCE)
target_compile_options(sitrep_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wcast-qual -Wwrite-strings -Wswitch-enum
  -Wnull-dereference -Werror
  -Werror=implicit-function-declaration -Werror=incompatible-pointer-types
  -Werror=int-conversion -Werror=return-type
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE -fvisibility=hidden)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(sitrep_flags INTERFACE
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches -ftrivial-auto-var-init=zero)
else()
  target_compile_options(sitrep_flags INTERFACE -ftrivial-auto-var-init=pattern)
endif()
if(SITREP_SANITIZE)
  target_compile_options(sitrep_flags INTERFACE
    -fsanitize=${SITREP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(sitrep_flags INTERFACE -fsanitize=${SITREP_SANITIZE})
else()
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(sitrep_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  target_link_options(sitrep_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(SITREP_CRASH_POINTS)
  target_compile_definitions(sitrep_flags INTERFACE SITREP_CRASH_POINTS)
endif()
if(SITREP_COVERAGE)
  target_compile_options(sitrep_flags INTERFACE --coverage)
  target_link_options(sitrep_flags INTERFACE --coverage)
endif()
