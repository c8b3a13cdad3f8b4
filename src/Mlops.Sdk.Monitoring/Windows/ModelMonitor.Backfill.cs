using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a backfill wrote.</summary>
/// <param name="Windows">How many windows.</param>
/// <param name="Rows">How many rows were counted.</param>
/// <param name="Late">How many rows came too late for their window and were counted in no feature.</param>
public sealed record BackfillResult(int Windows, long Rows, long Late);

/// <content>Windows of rows that were not recorded when they came.</content>
public sealed partial class ModelMonitor
{
    /// <summary>Counts rows of the past into windows and commits them. No alert is raised. The same rows again write nothing new.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version that saw them.</param>
    /// <param name="rows">The rows. Read one at a time. When the first one has no outputs, outputs are not counted.</param>
    /// <param name="kind">How windows are cut.</param>
    /// <param name="lateness">How much later than a newer row a row may come.</param>
    /// <param name="cancellationToken">Stops the backfill; windows that were written stay.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDataException">The version has no reference; code <c>monitoring.no_reference</c>.</exception>
    public async ValueTask<BackfillResult> BackfillAsync(string model, int version, IAsyncEnumerable<TimedRow> rows, WindowKind kind, TimeSpan lateness = default, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(kind);
        Reference reference = await ReadReferenceAsync(model, version, cancellationToken).ConfigureAwait(false);
        ModelChecks checks = _models.GetOrAdd(model, _ => new ModelChecks());
        WindowStream? stream = null;
        int written = 0;
        await foreach (TimedRow row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            stream ??= new WindowStream(model, version, reference.Schema, row.Outputs.Length > 0 ? reference.Profile : InputsOf(reference.Profile), kind, lateness, _recorder.Options);
            written += await CommitAsync(stream.Add(row.Time, new ModelRow(row.Numbers, row.Texts), row.Outputs, row.Route)).ConfigureAwait(false);
        }

        written += await CommitAsync(stream?.Complete() ?? []).ConfigureAwait(false);
        return new BackfillResult(written, stream?.Rows ?? 0, stream?.Late ?? 0);

        async ValueTask<int> CommitAsync(IReadOnlyList<MonitorWindow> windows)
        {
            foreach (MonitorWindow window in windows)
            {
                await checks.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    await CloseAsync(reference, window with { Reference = reference.Digest, Segments = [.. window.Segments.Select(s => s with { Reference = reference.Digest })] }, mayAlert: false, actor: null, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    checks.Gate.Release();
                }
            }

            return windows.Count;
        }
    }

    /// <summary>Counts the rows of a table into windows and commits them, by a column that says when each one happened. No alert is raised. The same rows again write nothing new.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version that saw them.</param>
    /// <param name="table">The rows, in any order. Outputs are not counted.</param>
    /// <param name="time">The name of a column of times, taken as UTC. Rows without a time are left out.</param>
    /// <param name="kind">How windows are cut.</param>
    /// <param name="cancellationToken">Stops the backfill; windows that were written stay.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDataException">The version has no reference (<c>monitoring.no_reference</c>), a column is missing (<c>data.column_missing</c>) or of another kind (<c>data.column_kind</c>).</exception>
    public async ValueTask<BackfillResult> BackfillAsync(string model, int version, Table table, string time, WindowKind kind, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(table);
        Reference reference = await ReadReferenceAsync(model, version, cancellationToken).ConfigureAwait(false);
        EncodedTable rows = EncodedTable.From(table, reference.Schema);
        TimeColumn times = table[time] as TimeColumn
            ?? throw new MlopsDataException("data.column_kind", $"'{time}' says when rows happened, so a column of times is expected; it is a {table[time].GetType().Name}.");
        return await BackfillAsync(model, version, InOrder(rows, times), kind, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
    }

    private static ReferenceProfile InputsOf(ReferenceProfile profile) => profile with { Features = [.. profile.Features.Where(f => f.Role == FeatureRole.Input)] };

    private static async IAsyncEnumerable<TimedRow> InOrder(EncodedTable rows, TimeColumn times)
    {
        foreach (int row in Enumerable.Range(0, rows.Rows).Where(r => times.Ticks[r] > 0).OrderBy(r => times.Ticks[r]))
        {
            var numbers = new float[rows.Numbers.Count];
            var texts = new string?[rows.Texts.Count];
            rows.ReadRow(row, numbers, texts);
            yield return new TimedRow(new DateTimeOffset(times.Ticks[row], TimeSpan.Zero), numbers, texts, []);
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }
}
