using Microsoft.Extensions.DependencyInjection.Extensions;
using Mlops.Sdk;
using Mlops.Sdk.MLNet;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds ML.NET as a model format.</summary>
public static class MLNetBuilderExtensions
{
    /// <summary>Makes models that ML.NET saved loadable, also those that were made without this library. Calling it again does nothing.</summary>
    /// <param name="builder">The builder.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder AddMLNet(this IMlopsBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IModelFormat, MLNetModelFormat>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IModelImporter, MLNetModelImporter>());
        return builder;
    }
}
