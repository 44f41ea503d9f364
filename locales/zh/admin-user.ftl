admin-user-link = 生成新的密码链接
admin-user-enabled = 账号及其密钥可用
admin-user-saved = 已保存。
admin-user-last-owner = 这是最后一个能够登录的所有者。
admin-user-no-limits = 没有自己的限额。
admin-user-limits-hint = 由此账号的所有密钥共享。留空表示不限。
admin-user-keys = API 密钥
admin-user-no-keys = 无。密钥归谁所有，在密钥自己的页面上设置。
