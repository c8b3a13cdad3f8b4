namespace Mlops.Sdk.Pipelines;

/// <summary>Checks the records of the step cache. They are derived: whatever is wrong with one, a run trains again.</summary>
internal sealed class StepCacheInspector : IStoreInspector
{
    public string Area => "step-cache";

    public IReadOnlyList<string> Prefixes => ["cache/"];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        private const string Expected = "a record of a step and its hash";

        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            string key = found.Key.Value;
            if (!key.StartsWith(StepCache.Prefix, StringComparison.Ordinal) || !Digest.TryParse($"sha256:{key[StepCache.Prefix.Length..]}", out _))
            {
                return new StoreFinding(StoreFindingKind.Unknown, key, "no such object", "an object below 'cache/' whose key names no step", "Nothing of this library reads it. Remove it if nobody needs it.");
            }

            try
            {
                if (await context.ReadAsync(found.Key, StepCache.MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
                {
                    return null;
                }

                if (StepCache.IsUnsealed(bytes))
                {
                    return new StoreFinding(StoreFindingKind.Surplus, key, Expected, "a record without a hash: written by an earlier version, or cut", "It is passed over. Remove it, or let the next run of the step replace it.");
                }

                TrainedRecord record = StepCache.Read(bytes);
                return await context.Store.HeadAsync(ArtifactKeys.Of(record.Model), cancellationToken).ConfigureAwait(false) is null
                    ? new StoreFinding(StoreFindingKind.Surplus, key, $"a record that names an artifact which is there", $"one that names {record.Model}, which is not there: it was collected", "It is passed over. Remove it, or let the next run of the step replace it.")
                    : null;
            }
            catch (FormatException problem)
            {
                return new StoreFinding(StoreFindingKind.Damaged, key, Expected, problem.Message, "Remove it: it is derived, and passed over. The step is run again when it is needed.");
            }
        }

        public IAsyncEnumerable<StoreFinding> FinishAsync(CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<StoreFinding>();
    }
}
