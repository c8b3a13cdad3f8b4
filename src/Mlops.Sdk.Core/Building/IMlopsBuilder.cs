using Microsoft.Extensions.DependencyInjection;

namespace Mlops.Sdk;

/// <summary>What the packages hang their parts on: each adds extension methods such as <c>AddServing</c>.</summary>
public interface IMlopsBuilder
{
    /// <summary>Gets the services to add to. Parts use TryAdd, so that a second call, or the caller's own service, does no harm.</summary>
    IServiceCollection Services { get; }
}
