//! Overview of a result file.
