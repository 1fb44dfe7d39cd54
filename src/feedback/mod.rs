//! Feedback matrices: initialisers and optimisation for stability.
