namespace Mlops.Sdk;

/// <summary>One inspector on its walk: turns what it throws into findings, and counts.</summary>
internal sealed class AreaWalk(string area, IStoreInspector? inspector, StoreInspectionContext context, FindingList findings)
{
    private IStoreInspection? _inspection;
    private long _objects;
    private long _damaged;
    private long _unchecked;
    private long _leftovers;

    internal AreaVerification Result => new(area, _objects, context.BytesRead, _damaged, _unchecked, _leftovers);

    internal async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            _inspection = inspector is null ? null : await inspector.StartAsync(context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is MlopsException or IOException or FormatException)
        {
            Report(NotChecked(KeyOfArea, error));
        }
    }

    internal async ValueTask InspectAsync(ObjectInfo found, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _objects);
        Report(await CheckAsync(found, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Checks an object; what looks bad is looked at once more.</summary>
    internal async ValueTask<StoreFinding?> CheckAsync(ObjectInfo found, CancellationToken cancellationToken)
    {
        if (inspector is null)
        {
            return new StoreFinding(StoreFindingKind.Unknown, found.Key.Value, "no such object", $"an object of {found.Length} bytes that no installed package knows", "Nothing of this library reads it. Find out who wrote it, and remove it if nobody needs it.");
        }

        if (_inspection is not { } inspection)
        {
            return null; // told when the area could not be started
        }

        StoreFinding? finding = await TryAsync(inspection, found, cancellationToken).ConfigureAwait(false);
        return finding is { Severity: not StoreFindingSeverity.Leftover }
            ? await TryAsync(inspection, found, cancellationToken).ConfigureAwait(false) // an answer that was torn on its way is no damage
            : finding;
    }

    internal async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        if (_inspection is null)
        {
            return;
        }

        IAsyncEnumerator<StoreFinding> last = _inspection.FinishAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (last.ConfigureAwait(false))
        {
            try
            {
                while (await last.MoveNextAsync().ConfigureAwait(false))
                {
                    Report(last.Current);
                }
            }
            catch (Exception error) when (error is MlopsException or IOException or FormatException)
            {
                Report(NotChecked(KeyOfArea, error));
            }
        }
    }

    private string KeyOfArea => inspector is { Prefixes: [var first, ..] } ? first : $"{area}/";

    private static async ValueTask<StoreFinding?> TryAsync(IStoreInspection inspection, ObjectInfo found, CancellationToken cancellationToken)
    {
        string key = found.Key.Value;
        try
        {
            return await inspection.InspectAsync(found, cancellationToken).ConfigureAwait(false);
        }
        catch (FormatException error)
        {
            return new StoreFinding(StoreFindingKind.Damaged, key, "the object as it was written", error.Message, "Restore it from a copy.");
        }
        catch (MlopsIntegrityException error)
        {
            bool newer = error.Code.EndsWith("newer_format", StringComparison.Ordinal);
            return new StoreFinding(newer ? StoreFindingKind.NewerFormat : StoreFindingKind.Damaged, key, "the object as it was written, in a format that this version reads", error.Message, newer ? "Update Mlops.Sdk in this process." : "Restore it from a copy.");
        }
        catch (Exception error) when (error is MlopsException or IOException)
        {
            return NotChecked(key, error);
        }
    }

    private static StoreFinding NotChecked(string key, Exception error) => new(
        StoreFindingKind.NotChecked, key, "that it can be checked", error.Message, "Mend what the message says, and verify again.");

    private void Report(StoreFinding? finding)
    {
        if (finding is not null && findings.Add(finding with { Area = area }))
        {
            Interlocked.Increment(ref finding.Severity == StoreFindingSeverity.Damage ? ref _damaged : ref finding.Severity == StoreFindingSeverity.Unchecked ? ref _unchecked : ref _leftovers);
        }
    }
}
