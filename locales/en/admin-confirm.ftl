admin-confirm-typed = To confirm, type { $name }
admin-confirm-mistyped = That is not the name.
