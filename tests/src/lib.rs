//! Holds nothing itself: the suites beside it, one test binary each, are what this package is for.
