using Microsoft.Extensions.DependencyInjection;

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
    private bool _retrain;
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

    /// <summary>Starts the model's pipeline when an alert is raised: once for each alert, across all hosts.</summary>
    /// <returns>This builder.</returns>
    public WatchBuilder Retrain()
    {
        _retrain = true;
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

    internal WatchedModel Build() => new(_model, _interval, _retrain, _drift, _alerts);
}

/// <summary>A model that a host watches.</summary>
internal sealed record WatchedModel(string Model, TimeSpan? Interval, bool Retrain, Action<DriftOptions>? Drift, Action<AlertOptions>? Alerts);
