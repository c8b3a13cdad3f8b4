using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Samples.DriftingHost;

/// <summary>Puts a version that passed the gate into service.</summary>
internal sealed class Promotion(IModelRegistry registry) : IRegistryHandler
{
    public async ValueTask HandleAsync(RegistryEvent happened, CancellationToken cancellationToken)
    {
        if (happened.Kind != RegistryEventKind.VersionRegistered || happened.Version is not { } number)
        {
            return;
        }

        ModelVersion? version = await registry.FindVersionAsync(happened.Model, number, cancellationToken);
        ModelVersion? champion = await registry.FindAliasAsync(happened.Model, "champion", cancellationToken);
        if (version is { Status: not VersionStatus.Rejected, Deleted: false } && champion?.Number < number)
        {
            await registry.MoveAliasAsync(happened.Model, "champion", number, "it passed the gate after drift", expected: champion.Number, cancellationToken);
        }
    }
}
