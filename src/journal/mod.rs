//! The record of every accepted request on its way to the database.
