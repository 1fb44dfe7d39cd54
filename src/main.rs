//! The program `dinv`; everything it does lives in the library.

fn main() {}
