//! Which target to try, in which order, and why: a pure function, and the health it reads.
