public-landing-title = 一个网关，通达所有模型
public-landing-lead = 让你的工具只面对一个地址。ModelGate 校验密钥、挑选健康的供应商、流式返回结果，并记下每一笔花费。
public-landing-open = 打开控制台
public-landing-endpoint = 兼容 OpenAI 的接口地址
public-landing-key = 用 API 密钥登录
public-landing-documents = 文档
