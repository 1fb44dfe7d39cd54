//! Numerical integration: steppers, step control, dense output, events and exact solutions.
