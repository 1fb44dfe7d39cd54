//! Learning rules that carry errors by dynamics, and the trainer that runs them.
