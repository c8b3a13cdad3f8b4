using System.Net;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Notifications;

public sealed class WebhookAddressTests
{
    [Theory]
    [InlineData("https://hooks.example.com/models?team=a", true)]
    [InlineData("http://hooks.example.com/", false)]
    [InlineData("ftp://hooks.example.com/", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("/relative", false)]
    [InlineData("https://user:password@hooks.example.com/", false)]
    [InlineData("https://hooks.example.com/#part", false)]
    [InlineData("https://localhost/", false)]
    [InlineData("https://127.0.0.1/", false)]
    [InlineData("https://2130706433/", false)] // 127.0.0.1 as one number
    [InlineData("https://0x7f.1/", false)]
    [InlineData("https://[::1]/", false)]
    [InlineData("https://[::ffff:10.0.0.1]/", false)]
    [InlineData("https://10.1.2.3/", false)]
    [InlineData("https://169.254.169.254/latest/meta-data", false)]
    public async Task Only_https_to_public_hosts_may_be_added(string url, bool allowed)
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        Webhooks webhooks = Webhooks.Create(new Mlops.Sdk.Testing.InMemoryObjectStore(), workspace.Ledger);
        Exception? error = await Record.ExceptionAsync(async () => await webhooks.AddAsync(new WebhookTarget("ci", url, "key"), "to test"));
        Assert.Equal(allowed, error is null);
        Assert.True(error is null or MlopsDataException { Code: "webhook.invalid_address" });
        Assert.Equal(allowed ? 1 : 0, workspace.Ledger.Head.Entries);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("100.128.0.1", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("2606:4700:4700::1111", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.255.255.255", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("198.18.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("::7f00:1", false)]
    [InlineData("64:ff9b::a00:1", false)] // 10.0.0.1 through NAT64
    [InlineData("2002:a00:1::", false)] // 10.0.0.1 through 6to4
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("ff02::1", false)]
    public void An_address_is_judged_when_it_is_connected_to(string address, bool allowed) =>
        Assert.Equal(allowed, WebhookAddress.WhyNot(IPAddress.Parse(address), new WebhookOptions()) is null);

    [Fact]
    public void What_the_options_allow_is_allowed()
    {
        var options = new WebhookOptions { AllowLoopback = true };
        Assert.Null(WebhookAddress.WhyNot(IPAddress.Loopback, options));
        Assert.NotNull(WebhookAddress.WhyNot(IPAddress.Parse("10.0.0.1"), options));
        Assert.Equal("http", WebhookAddress.Check("http://localhost:9/", options).Scheme);
        Assert.Throws<MlopsDataException>(() => WebhookAddress.Check("http://example.com/", options));
        options.AllowPrivateNetworks = true;
        Assert.Null(WebhookAddress.WhyNot(IPAddress.Parse("10.0.0.1"), options));
        Assert.Null(WebhookAddress.WhyNot(IPAddress.Parse("169.254.1.1"), options));
        options.AllowHttp = true;
        Assert.Equal("http", WebhookAddress.Check("http://example.com/", options).Scheme);
    }
}
