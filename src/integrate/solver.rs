//! Everything that can solve a problem, in one list.

use super::backends::{BACKENDS, Backend};
use super::errors::UnknownMethod;
use super::method::{METHODS, Method};

/// A solver: one of our stepping methods, the exact solution, or a solver of another crate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Solver {
    /// A method of [`METHODS`].
    Stepping(&'static Method),
    /// The exact solution of a linear equation.
    Exact,
    /// A solver of [`BACKENDS`].
    Foreign(&'static Backend),
}

impl Solver {
    /// Every solver: stepping methods, `exact`, solvers of other crates.
    pub fn all() -> impl Iterator<Item = Self> {
        let stepping = METHODS.iter().copied().map(Self::Stepping);
        let foreign = BACKENDS.iter().copied().map(Self::Foreign);
        stepping.chain(std::iter::once(Self::Exact)).chain(foreign)
    }

    /// The solver called `name`.
    ///
    /// # Errors
    /// [`UnknownMethod`] lists the names that exist.
    pub fn named(name: &str) -> Result<Self, UnknownMethod> {
        Self::all().find(|solver| solver.name() == name).ok_or_else(|| UnknownMethod {
            name: name.to_owned(),
            known: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Kebab-case name, as in model files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stepping(method) => method.name,
            Self::Exact => "exact",
            Self::Foreign(backend) => backend.name,
        }
    }

    /// One line for listings.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Stepping(method) => method.summary,
            Self::Exact => "Exact solution of linear equations by modes or matrix exponentials",
            Self::Foreign(backend) => backend.summary,
        }
    }

    /// Where it comes from.
    #[must_use]
    pub fn reference(self) -> &'static str {
        match self {
            Self::Stepping(method) => method.reference,
            Self::Exact => {
                "Divided differences of the exponential: McCurdy, Ng & Parlett 1984, Math. Comp. 43; \
                 flows: Van Loan 1978, IEEE Trans. Autom. Control 23"
            }
            Self::Foreign(backend) => backend.reference,
        }
    }

    /// Whether error tolerances mean anything to it.
    #[must_use]
    pub fn has_tolerances(self) -> bool {
        match self {
            Self::Stepping(method) => !method.is_fixed_step(),
            Self::Exact => false,
            Self::Foreign(_) => true,
        }
    }

    /// Whether this program was built with it.
    #[must_use]
    pub fn is_built(self) -> bool {
        match self {
            Self::Stepping(_) | Self::Exact => true,
            Self::Foreign(backend) => backend.is_built(),
        }
    }
}
