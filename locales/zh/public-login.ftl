public-login-title = 登录
public-login-username = 用户名
public-login-password = 密码
public-login-wrong = 用户名或密码不正确。
public-login-wait = 失败次数过多，请在 { $wait }后重试。
public-login-out = 你已退出登录。
