using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Registry;

/// <summary>How webhooks are sent. Configuration section: <c>Mlops:Webhooks</c>.</summary>
public sealed class WebhookOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Webhooks";

    /// <summary>Gets the secrets by key name. Never written to the store; keep them out of files that are checked in.</summary>
    /// <value>A secret is at least 16 characters. Two secrets for one key, joined by a line feed, are both signed with while a secret is changed.</value>
    public IDictionary<string, string> Secrets { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Gets or sets how long one attempt may take when the target says nothing else.</summary>
    /// <value>From 100 ms to 5 minutes. The default is 10 seconds.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets or sets the first wait before a delivery that failed is tried again; doubled each time, with jitter, up to <see cref="MaxRetryDelay"/>.</summary>
    /// <value>From 1 ms to 1 hour. The default is 2 seconds.</value>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Gets or sets the longest wait between two attempts; a longer <c>Retry-After</c> is cut to it.</summary>
    /// <value>From 1 ms to 1 day. The default is 15 minutes.</value>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Gets or sets after how long of trying a delivery is given up: it becomes a dead letter on the ledger, and the next one is sent.</summary>
    /// <value>From 1 second to 30 days. The default is 24 hours.</value>
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Gets or sets for how long a sender may be silent before another process sends instead.</summary>
    /// <value>From 200 ms to 1 hour. The default is 30 seconds.</value>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets how many deliveries of a target are kept to be looked at.</summary>
    /// <value>From 50 to 100,000; rounded up to whole pages of 50. The default is 1,000.</value>
    public int KeptDeliveries { get; set; } = 1000;

    /// <summary>Gets or sets whether a target may be on this machine. Its address may then be <c>http</c> too.</summary>
    /// <value>The default is false: whoever may add a webhook could else reach services that listen on this machine only.</value>
    public bool AllowLoopback { get; set; }

    /// <summary>Gets or sets whether a target may be in a private or link-local network.</summary>
    /// <value>The default is false: whoever may add a webhook could else reach services of the inner network.</value>
    public bool AllowPrivateNetworks { get; set; }

    /// <summary>Gets or sets whether addresses may be <c>http</c>. The signature protects what is sent, not who reads it.</summary>
    /// <value>The default is false.</value>
    public bool AllowHttp { get; set; }

    /// <summary>Gets or sets what makes the handler that sends requests, in place of the library's own.</summary>
    /// <value>The default is null. A handler of your own also takes over the check of the address that is connected to, and must not follow redirects.</value>
    public Func<HttpMessageHandler>? CreateHandler { get; set; }

    /// <summary>Finds the first option that is out of its range; null when all are right.</summary>
    internal string? WhyNot() =>
        Range(nameof(Timeout), Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5))
        ?? Range(nameof(RetryDelay), RetryDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1))
        ?? Range(nameof(MaxRetryDelay), MaxRetryDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1))
        ?? Range(nameof(GiveUpAfter), GiveUpAfter, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30))
        ?? Range(nameof(Lease), Lease, TimeSpan.FromMilliseconds(200), TimeSpan.FromHours(1))
        ?? (KeptDeliveries is < 50 or > 100_000 ? $"{nameof(KeptDeliveries)} is {KeptDeliveries}; it must be from 50 to 100,000." : null);

    internal WebhookOptions Checked() => WhyNot() is { } why ? throw new MlopsException("webhook.invalid_option", $"{nameof(WebhookOptions)}.{why}") : this;

    private static string? Range(string name, TimeSpan value, TimeSpan least, TimeSpan most) =>
        value < least || value > most ? $"{name} is {value}; it must be from {least} to {most}." : null;
}

internal sealed class WebhookOptionsRanges : IValidateOptions<WebhookOptions>
{
    public ValidateOptionsResult Validate(string? name, WebhookOptions options) =>
        options.WhyNot() is { } why ? ValidateOptionsResult.Fail($"{WebhookOptions.Section}:{why}") : ValidateOptionsResult.Success;
}

/// <summary>Knows the secrets that webhooks are signed with. The ledger holds their key names only.</summary>
public interface IWebhookSecrets
{
    /// <summary>Finds a secret.</summary>
    /// <param name="key">The key name that the webhook was added with.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The secret, or two joined by a line feed while it is changed; null when there is none: deliveries then wait.</returns>
    ValueTask<string?> FindAsync(string key, CancellationToken cancellationToken = default);
}

/// <summary>Answers with the secrets of the options, which configuration can change while the host runs.</summary>
internal sealed class ConfiguredSecrets(IOptionsMonitor<WebhookOptions> options) : IWebhookSecrets
{
    public ValueTask<string?> FindAsync(string key, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(options.CurrentValue.Secrets.TryGetValue(key, out string? secret) ? secret : null);
}
