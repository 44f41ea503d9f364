admin-users-title = 账号
admin-users-lead = 可以登录这里的人，以及共享限额的 API 密钥的所有者。
admin-users-add = 创建账号
admin-users-new-title = 创建账号
admin-users-username = 用户名
admin-users-username-hint = 字母、数字和 . _ - @，之后不能修改。
admin-users-display-name = 姓名
admin-users-bad-display-name = 最多 100 个字符，单行。
admin-users-role = 角色
admin-users-role-hint = 用户查看自己的用量；查看者可看全部页面；操作员维护运行；管理员还可处理密钥、设置和账号；所有者还决定谁来管理。
admin-users-role-user = 用户
admin-users-role-viewer = 查看者
admin-users-role-operator = 操作员
admin-users-role-admin = 管理员
admin-users-role-owner = 所有者
admin-users-bad-role = 你不能授予此角色。
admin-users-limits = 限额
admin-users-last-login = 最近登录
admin-users-active = 有效
admin-users-invited = 尚未设置密码
admin-users-off = 已停用
admin-users-taken-username = 已有同名账号。
admin-users-link-title = { $name } 的链接
admin-users-link-body = 请把它发给账号的主人，由其设置密码。链接只能使用一次，{ $value } { $count ->
   *[other] 小时
}内有效，之后不再显示。在此之前，已有的密码仍然有效。
admin-users-link-done = 完成
