public-login-title = 登录
public-login-username = 用户名
public-login-password = 密码
public-login-wrong = 用户名或密码不正确。
public-login-holder = 你已使用密钥 { $key } 登录。此页面供账号使用。
public-login-holder-link = 打开仪表盘
public-login-wait = 失败次数过多，请在 { $wait }后重试。
public-login-out = 你已退出登录。
