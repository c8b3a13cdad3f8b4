using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mlops.Sdk.Monitoring;

/// <summary>Says which models a host watches.</summary>
public sealed class MonitoringBuilder
{
    private readonly IServiceCollection _services;

    internal MonitoringBuilder(IServiceCollection services) => _services = services;

    /// <summary>Watches a model: checks it again and again while the host runs.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="configure">Says how; null for the options' interval and alerts without retraining. A second call for a model replaces the first.</param>
    /// <returns>This builder.</returns>
    public MonitoringBuilder Watch(string model, Action<WatchBuilder>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        var watch = new WatchBuilder(model);
        configure?.Invoke(watch);
        _services.AddSingleton(watch.Build());
        return this;
    }

    /// <summary>Tells a handler of alerts: at least once of each event, in order, one host at a time.</summary>
    /// <param name="name">The handler's name, under which its place in the ledger is kept: 1 to 56 of <c>a-z 0-9 -</c>. Hosts that use one name share the events: one of them is told.</param>
    /// <param name="handle">Handles an event. When it fails, the same event comes again after a growing wait; monitoring goes on.</param>
    /// <param name="configure">Sets which events, and from where; null for all from now on.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="MlopsException">The name is used twice (<c>monitoring.invalid_handler</c>), or an option is out of its range (<c>ledger.invalid_option</c>).</exception>
    public MonitoringBuilder OnAlert(string name, Func<AlertEvent, CancellationToken, ValueTask> handle, Action<AlertHandlerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(handle);
        AlertHandlerService.Add(_services, name, configure, _ => new CallbackAlertHandler(handle));
        return this;
    }

    /// <summary>Tells a handler of alerts that is made with services of the container: at least once of each event, in order, one host at a time.</summary>
    /// <typeparam name="T">The handler; made once.</typeparam>
    /// <param name="name">The handler's name, under which its place in the ledger is kept: 1 to 56 of <c>a-z 0-9 -</c>.</param>
    /// <param name="configure">Sets which events, and from where; null for all from now on.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="MlopsException">The name is used twice (<c>monitoring.invalid_handler</c>), or an option is out of its range (<c>ledger.invalid_option</c>).</exception>
    public MonitoringBuilder OnAlert<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(string name, Action<AlertHandlerOptions>? configure = null)
        where T : class, IAlertHandler
    {
        _services.TryAddSingleton<T>();
        AlertHandlerService.Add(_services, name, configure, provider => provider.GetRequiredService<T>());
        return this;
    }

    /// <summary>Writes every event of alerts to the log of one host: raised by its severity, the rest as information.</summary>
    /// <returns>This builder.</returns>
    public MonitoringBuilder LogAlerts() => OnAlert<LogAlertHandler>("log");

    /// <summary>Changes the options of monitoring, over what the configuration says.</summary>
    /// <param name="configure">Changes them.</param>
    /// <returns>This builder.</returns>
    public MonitoringBuilder Configure(Action<MonitoringOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _services.Configure(configure);
        return this;
    }
}

/// <summary>Says how a model is watched.</summary>
public sealed class WatchBuilder
{
    private readonly string _model;
    private TimeSpan? _interval;
    private readonly List<AlertPolicy> _policies = [];
    private readonly HashSet<string> _retrainOn = new(StringComparer.Ordinal);
    private readonly RetrainOptions _limits = new();
    private bool _withoutDrift;
    private Action<DriftOptions>? _drift;
    private Action<AlertOptions>? _alerts;

    internal WatchBuilder(string model) => _model = model;

    /// <summary>Sets how often the model is checked.</summary>
    /// <param name="interval">From 1 second to 7 days.</param>
    /// <returns>This builder.</returns>
    public WatchBuilder Every(TimeSpan interval)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(interval, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(interval, TimeSpan.FromDays(7));
        _interval = interval;
        return this;
    }

    /// <summary>Starts the model's pipeline when an alert about drift is raised: once for each alert, across all hosts, within the limits of <see cref="RetrainWhen"/>.</summary>
    /// <returns>This builder.</returns>
    public WatchBuilder Retrain() => RetrainWhen([AlertPolicy.DriftName]);

    /// <summary>Starts the model's pipeline when an alert of one of some policies is raised: once for each alert, across all hosts.</summary>
    /// <param name="policies">The names of the policies; <see cref="AlertPolicy.DriftName"/> is the one that every model has.</param>
    /// <param name="limits">Changes how often; null leaves it.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="MlopsException">The limits are out of range; code <c>monitoring.invalid_option</c>.</exception>
    public WatchBuilder RetrainWhen(IEnumerable<string> policies, Action<RetrainOptions>? limits = null)
    {
        ArgumentNullException.ThrowIfNull(policies);
        _retrainOn.UnionWith(policies);
        limits?.Invoke(_limits);
        return _limits.WhyNot() is { } why ? throw new MlopsException("monitoring.invalid_option", why) : this;
    }

    /// <summary>Adds a policy: when a signal becomes an alert.</summary>
    /// <param name="name">Its name: 1 to 64 of <c>a-z 0-9 - _ .</c></param>
    /// <param name="configure">Says which signals are judged and how.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="MlopsException">A part is missing or contradicts another, or the name is used twice; code <c>monitoring.invalid_policy</c>.</exception>
    public WatchBuilder Alert(string name, Action<AlertPolicyBuilder> configure) => Alert(AlertPolicy.Create(name, configure));

    /// <summary>Adds a policy that was made before.</summary>
    /// <param name="policy">The policy.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="MlopsException">The name is used twice; code <c>monitoring.invalid_policy</c>.</exception>
    public WatchBuilder Alert(AlertPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (_policies.Exists(p => p.Name == policy.Name))
        {
            throw new MlopsException("monitoring.invalid_policy", $"Two alert policies of model '{_model}' have the name '{policy.Name}'. Give each its own: open alerts are known by it.");
        }

        _policies.Add(policy);
        return this;
    }

    /// <summary>Does without the policy <see cref="AlertPolicy.DriftName"/>: windows are compared and reported, and drift alone raises no alert.</summary>
    /// <returns>This builder.</returns>
    public WatchBuilder WithoutDriftAlert()
    {
        _withoutDrift = true;
        return this;
    }

    /// <summary>Reports features without judging them.</summary>
    /// <param name="features">Their names.</param>
    /// <returns>This builder.</returns>
    public WatchBuilder Ignore(params IEnumerable<string> features)
    {
        string[] names = [.. features];
        _drift += options =>
        {
            foreach (string name in names)
            {
                options.Ignored.Add(name);
            }
        };
        return this;
    }

    /// <summary>Changes, for this model, when a feature counts as drifted.</summary>
    /// <param name="configure">Changes a copy of the host's options.</param>
    /// <returns>This builder.</returns>
    public WatchBuilder DriftWhen(Action<DriftOptions> configure)
    {
        _drift += configure ?? throw new ArgumentNullException(nameof(configure));
        return this;
    }

    /// <summary>Changes, for this model, when drift becomes an alert.</summary>
    /// <param name="configure">Changes a copy of the host's options.</param>
    /// <returns>This builder.</returns>
    public WatchBuilder AlertWhen(Action<AlertOptions> configure)
    {
        _alerts += configure ?? throw new ArgumentNullException(nameof(configure));
        return this;
    }

    internal WatchedModel Build()
    {
        string[] known = [.. _policies.Select(p => p.Name), .. _withoutDrift ? (IEnumerable<string>)[] : [AlertPolicy.DriftName]];
        return _retrainOn.FirstOrDefault(n => !known.Contains(n, StringComparer.Ordinal)) is { } missing
            ? throw new MlopsException("monitoring.invalid_policy", $"Model '{_model}' is to be retrained on alerts of policy '{missing}', and its policies are: {string.Join(", ", known)}. Add it with Alert.")
            : new WatchedModel(_model, _interval, _drift, _alerts) { Policies = [.. _policies], WithoutDrift = _withoutDrift, RetrainOn = _retrainOn, Limits = _limits };
    }
}

/// <summary>A model that a host watches.</summary>
internal sealed record WatchedModel(string Model, TimeSpan? Interval, Action<DriftOptions>? Drift, Action<AlertOptions>? Alerts)
{
    internal IReadOnlyList<AlertPolicy> Policies { get; init; } = [];

    internal bool WithoutDrift { get; init; }

    /// <summary>Gets the policies whose alerts start a run.</summary>
    internal IReadOnlySet<string> RetrainOn { get; init; } = new HashSet<string>();

    internal RetrainOptions Limits { get; init; } = new();
}
