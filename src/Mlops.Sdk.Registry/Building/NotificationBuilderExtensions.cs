using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Registry;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds handlers and webhooks that are told what happens to models.</summary>
public static class NotificationBuilderExtensions
{
    /// <summary>Adds a handler that the host tells of every event, at least once, from the place where it stopped; also of what happened while no host ran.</summary>
    /// <typeparam name="T">The handler; made once, with services of the container.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The handler's name, under which its place in the ledger is kept: 1 to 56 of <c>a-z 0-9 -</c>. Hosts that use one name share the events: one of them is told.</param>
    /// <param name="configure">Sets which events, and from where; null for all from now on.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="MlopsException">The name is used twice, or an option is out of its range; code <c>registry.invalid_handler</c> or <c>ledger.invalid_option</c>.</exception>
    public static IMlopsBuilder AddRegistryHandler<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] T>(this IMlopsBuilder builder, string name, Action<RegistryHandlerOptions>? configure = null)
        where T : class, IRegistryHandler
    {
        ArgumentNullException.ThrowIfNull(builder);
        RegistryHandlerOptions options = new();
        configure?.Invoke(options);
        new LedgerSubscriptionOptions(RegistryHandlerService.NameOf(name)) { From = options.From, Lease = options.Lease, RetryDelay = options.RetryDelay }.Check();
        if (builder.Services.Any(s => s.ImplementationInstance is DeclaredHandler there && there.Name == name))
        {
            throw new MlopsException("registry.invalid_handler", $"Two registry handlers have the name '{name}'. A name stands for one place in the ledger; give each handler its own.");
        }

        builder.AddNotifications();
        builder.Services.TryAddSingleton<T>();
        builder.Services.AddSingleton(new DeclaredHandler(name, options, provider => provider.GetRequiredService<T>()));
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RegistryHandlerService>());
        return builder;
    }

    /// <summary>Turns the sending of webhooks on in this host, and adds <see cref="Webhooks"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options; wins over configuration. Null for none.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>Options come from configuration section <c>Mlops:Webhooks</c>, secrets from <c>Mlops:Webhooks:Secrets:KEY</c> unless an <see cref="IWebhookSecrets"/> of your own is registered.</remarks>
    public static IMlopsBuilder AddWebhooks(this IMlopsBuilder builder, Action<WebhookOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddNotifications();
        if (configure is not null)
        {
            builder.Services.Configure(configure);
        }

        builder.Services.TryAddSingleton(provider => new WebhookSender(
            provider.GetRequiredService<Webhooks>(),
            provider.GetRequiredService<RegistryEvents>(),
            provider.GetRequiredService<IWebhookSecrets>(),
            provider.GetRequiredService<IOptions<WebhookOptions>>().Value,
            provider.GetService<IIdGenerator>(),
            provider.GetService<ILoggerFactory>()));
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, WebhookService>());
        return builder;
    }

    /// <summary>Adds what every registry has: <see cref="RegistryEvents"/> to watch, and <see cref="Webhooks"/> to set up. Nothing runs by itself.</summary>
    internal static IMlopsBuilder AddNotifications(this IMlopsBuilder builder)
    {
        IServiceCollection services = builder.Services;
        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.AddOptionsWithValidateOnStart<WebhookOptions, WebhookOptionsRanges>().BindConfiguration(WebhookOptions.Section);
        services.TryAddSingleton(provider => new RegistryEvents(provider.GetRequiredService<ILedger>(), provider.GetRequiredService<IModelCatalog>()));
        services.TryAddSingleton(provider => new Webhooks(
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IOptions<WebhookOptions>>().Value,
            provider.GetService<TimeProvider>()));
        services.TryAddSingleton<IWebhookSecrets>(provider => new ConfiguredSecrets(provider.GetRequiredService<IOptionsMonitor<WebhookOptions>>()));
        return builder;
    }
}
