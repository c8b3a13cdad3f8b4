using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mlops.Sdk.Serving;

/// <summary>Declares which models a host serves.</summary>
public sealed class ServingBuilder
{
    private readonly IServiceCollection _services;

    internal ServingBuilder(IServiceCollection services) => _services = services;

    /// <summary>Serves a model: loads it when the host starts, and registers its predictor.</summary>
    /// <typeparam name="TIn">The row: a plain record.</typeparam>
    /// <typeparam name="TOut">The answer: a plain record whose members are named after the model's outputs.</typeparam>
    /// <param name="model">The model's name.</param>
    /// <param name="configure">Says which version; null to follow the alias <c>champion</c>.</param>
    /// <returns>This builder.</returns>
    /// <remarks>
    /// <see cref="IPredictor{TIn, TOut}"/> becomes a singleton, also keyed by the model's name. Where two models have the same types, the
    /// first is what an unkeyed request gets.
    /// </remarks>
    public ServingBuilder Model<TIn, TOut>(string model, Action<ServedModelBuilder>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        var which = new ServedModelBuilder();
        configure?.Invoke(which);
        ServedModelOptions options = which.Options;
        _services.AddSingleton(new DeclaredModel(model, server => server.Declare<TIn, TOut>(model, options)));
        _services.TryAddKeyedSingleton<IPredictor<TIn, TOut>>(model, (provider, _) => provider.GetRequiredService<ModelServer>().Declare<TIn, TOut>(model, options));
        _services.TryAddSingleton(provider => provider.GetRequiredKeyedService<IPredictor<TIn, TOut>>(model));
        return this;
    }

    /// <summary>Changes the options of serving, over what the configuration says.</summary>
    /// <param name="configure">Changes them.</param>
    /// <returns>This builder.</returns>
    public ServingBuilder Configure(Action<ServingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _services.Configure(configure);
        return this;
    }
}

/// <summary>Says which version of a declared model is served. Without a call the alias <c>champion</c> is followed.</summary>
public sealed class ServedModelBuilder
{
    internal ServedModelBuilder()
    {
    }

    internal ServedModelOptions Options { get; private set; } = new();

    /// <summary>Follows an alias: a version it is moved to is swapped in.</summary>
    /// <param name="alias">The alias: 1 to 64 of <c>a-z 0-9 - _</c>.</param>
    /// <exception cref="ArgumentException">The text is no alias.</exception>
    /// <returns>This builder.</returns>
    public ServedModelBuilder Follow(string alias)
    {
        ServedModelOptions options = ServedModelOptions.Follow(alias);
        options.Check();
        Options = options;
        return this;
    }

    /// <summary>Pins a version: it is served whatever aliases do.</summary>
    /// <param name="version">The version's number, at least 1.</param>
    /// <returns>This builder.</returns>
    public ServedModelBuilder Pin(int version)
    {
        ServedModelOptions options = ServedModelOptions.Pin(version);
        options.Check();
        Options = options;
        return this;
    }
}

/// <summary>A model that the host serves from its start on.</summary>
internal sealed record DeclaredModel(string Model, Action<ModelServer> Declare);
