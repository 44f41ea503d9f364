admin-confirm-typed = 请输入 { $name } 以确认
admin-confirm-mistyped = 名称不一致。
