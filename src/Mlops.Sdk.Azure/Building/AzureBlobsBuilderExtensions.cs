using Azure.Core;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Azure;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps the workspace in a container of Azure Blob Storage.</summary>
public static class AzureBlobsBuilderExtensions
{
    /// <summary>Keeps everything in a blob container, found by a connection string.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="connectionString">The connection string of the storage account. Holds its key: take it from configuration, not from source code.</param>
    /// <param name="container">The name of the container.</param>
    /// <param name="configure">Sets the options; null for defaults.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>It takes the place of a store that was set before. A wrong option stops the host when it starts.</remarks>
    public static IMlopsBuilder UseAzureBlobs(this IMlopsBuilder builder, string connectionString, string container, Action<AzureBlobOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        ArgumentException.ThrowIfNullOrWhiteSpace(container);
        return builder.Use(options => new AzureBlobObjectStore(connectionString, container, options), configure);
    }

    /// <summary>Keeps everything in a blob container, found by its address and opened by a credential such as a managed identity.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="container">The address of the container, such as <c>https://account.blob.core.windows.net/mlops</c>.</param>
    /// <param name="credential">The credential. It needs the role Storage Blob Data Contributor.</param>
    /// <param name="configure">Sets the options; null for defaults.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>It takes the place of a store that was set before. A wrong option stops the host when it starts.</remarks>
    public static IMlopsBuilder UseAzureBlobs(this IMlopsBuilder builder, Uri container, TokenCredential credential, Action<AzureBlobOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(credential);
        return builder.Use(options => new AzureBlobObjectStore(container, credential, options), configure);
    }

    /// <summary>Keeps everything in a blob container, through a client of your own making.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="container">The client.</param>
    /// <param name="configure">Sets the options; null for defaults.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>It takes the place of a store that was set before. A wrong option stops the host when it starts.</remarks>
    public static IMlopsBuilder UseAzureBlobs(this IMlopsBuilder builder, BlobContainerClient container, Action<AzureBlobOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(container);
        return builder.Use(options => new AzureBlobObjectStore(container, options), configure);
    }

    private static IMlopsBuilder Use(this IMlopsBuilder builder, Func<AzureBlobOptions, AzureBlobObjectStore> make, Action<AzureBlobOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.AddOptionsWithValidateOnStart<AzureBlobOptions, AzureBlobOptionsRanges>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AzureBlobOptions>, AzureBlobOptionsPrefix>());
        services.RemoveAll<IObjectStore>();
        services.AddSingleton<IObjectStore>(provider => make(provider.GetRequiredService<IOptions<AzureBlobOptions>>().Value));
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return builder;
    }
}
