user-login-title = 使用 API 密钥登录
user-login-key = API 密钥
user-login-key-hint = 密钥只用来换取会话，不会保存在此浏览器中。
user-login-wrong = 此处没有这个密钥，或它当前不可用。
user-login-wrong-often = 此处没有这个密钥，或它当前不可用。错误次数过多，请在 { $wait }后重试。
user-login-account = 已有账号？
user-login-account-link = 用用户名和密码登录
