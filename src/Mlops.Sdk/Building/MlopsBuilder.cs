using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mlops.Sdk;

internal sealed class MlopsBuilder(IServiceCollection services) : IMlopsBuilder
{
    public IServiceCollection Services => services;
}

/// <summary>Says where the workspace is.</summary>
public static class MlopsBuilderExtensions
{
    /// <summary>Keeps everything in a folder.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The folder, made when it is not there.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder UseFolder(this IMlopsBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        builder.Services.Configure<MlopsOptions>(options => options.Folder = path);
        return builder;
    }

    /// <summary>Keeps everything in a store of your own: memory in tests, a blob container in a fleet.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="store">The store.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder UseStore(this IMlopsBuilder builder, IObjectStore store)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(store);
        builder.Services.RemoveAll<IObjectStore>();
        builder.Services.AddSingleton(store);
        return builder;
    }
}
