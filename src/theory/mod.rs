//! The claims behind the method, each as a measured, falsifiable check.
