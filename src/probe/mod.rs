//! Calls to vendors on an operator's behalf: test a credential, fetch the model list.
