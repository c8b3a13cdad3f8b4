using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Taking in the truth.</summary>
public sealed partial class PerformanceMonitor
{
    /// <summary>Tells the truth about a prediction, as a number. It may come before the prediction, and in another process.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="id">The prediction's id, 1 to 128 characters.</param>
    /// <param name="actual">The truth: 1 and 0 for yes and no, the number of the class, or the number itself; finite.</param>
    /// <param name="at">When it became known; null for now.</param>
    /// <param name="version">The number of the version whose prediction is meant; 0 for every version that was asked by this id.</param>
    /// <param name="cancellationToken">Stops the waiting for room.</param>
    /// <returns>A task that ends when the truth was taken in; it is durable at the next flush.</returns>
    /// <exception cref="ArgumentException">The id is empty or too long, or the truth is not finite.</exception>
    public ValueTask ActualAsync(string model, string id, double actual, DateTimeOffset? at = null, int version = 0, CancellationToken cancellationToken = default) =>
        ActualAsync(model, new ActualValue(id, actual, null, at, version), cancellationToken);

    /// <summary>Tells the truth about a prediction of yes or no.</summary>
    /// <inheritdoc cref="ActualAsync(string, string, double, DateTimeOffset?, int, CancellationToken)"/>
    public ValueTask ActualAsync(string model, string id, bool actual, DateTimeOffset? at = null, int version = 0, CancellationToken cancellationToken = default) =>
        ActualAsync(model, new ActualValue(id, actual ? 1 : 0, null, at, version), cancellationToken);

    /// <summary>Tells the truth about a prediction, as the name of a class.</summary>
    /// <inheritdoc cref="ActualAsync(string, string, double, DateTimeOffset?, int, CancellationToken)"/>
    public ValueTask ActualAsync(string model, string id, string actual, DateTimeOffset? at = null, int version = 0, CancellationToken cancellationToken = default) =>
        ActualAsync(model, new ActualValue(id, double.NaN, actual, at, version), cancellationToken);

    /// <summary>Tells many truths and makes them durable.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="truths">The truths, in any order.</param>
    /// <param name="cancellationToken">Stops the call; what was taken in is kept.</param>
    /// <returns>How many were taken in. Telling the same ones again changes nothing.</returns>
    /// <exception cref="ArgumentException">An id is empty or too long, or a truth is neither a finite number nor a class.</exception>
    public async ValueTask<long> ActualsAsync(string model, IAsyncEnumerable<ActualValue> truths, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(truths);
        long count = 0;
        await foreach (ActualValue truth in truths.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            await ActualAsync(model, truth, cancellationToken).ConfigureAwait(false);
            count++;
        }

        await FlushAsync(model, cancellationToken).ConfigureAwait(false);
        return count;
    }

    /// <summary>Tells the truths of a table and makes them durable. Rows without id or truth are passed over.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="table">The table.</param>
    /// <param name="id">The column of ids: texts, or whole numbers.</param>
    /// <param name="actual">The column of truths: numbers, or texts for classes.</param>
    /// <param name="at">The column of the times they became known; null for now.</param>
    /// <param name="cancellationToken">Stops the call; what was taken in is kept.</param>
    /// <returns>How many were taken in.</returns>
    /// <exception cref="MlopsDataException">A column is missing (<c>data.column_missing</c>) or of another kind (<c>data.column_kind</c>).</exception>
    public async ValueTask<long> ActualsAsync(string model, Table table, string id, string actual, string? at = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(table);
        Column ids = table[id];
        Column values = table[actual];
        TimeColumn? times = at is null ? null : table[at] as TimeColumn ?? throw new MlopsDataException("data.column_kind", $"'{at}' tells when truths became known and has to be a time column; it is a {table[at].GetType().Name}.");
        if (ids is not (TextColumn or NumberColumn) || values is not (TextColumn or NumberColumn))
        {
            throw new MlopsDataException("data.column_kind", $"Ids and truths are texts or numbers; '{id}' is a {ids.GetType().Name}, '{actual}' a {values.GetType().Name}.");
        }

        long count = 0;
        for (int row = 0; row < table.Rows; row++)
        {
            string? key = ids is TextColumn texts ? texts[row] : ((NumberColumn)ids).Values[row] is var number && double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture) : null;
            string? text = (values as TextColumn)?[row];
            double value = values is NumberColumn numbers ? numbers.Values[row] : double.NaN;
            if (string.IsNullOrEmpty(key) || (text is null && !double.IsFinite(value)))
            {
                continue;
            }

            DateTimeOffset? known = times is null || times.Ticks[row] <= 0 ? null : new DateTimeOffset(times.Ticks[row], TimeSpan.Zero);
            await ActualAsync(model, new ActualValue(key, value, text, known), cancellationToken).ConfigureAwait(false);
            count++;
        }

        await FlushAsync(model, cancellationToken).ConfigureAwait(false);
        return count;
    }

    private async ValueTask ActualAsync(string model, ActualValue truth, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        RequireId(truth.Id);
        ArgumentOutOfRangeException.ThrowIfNegative(truth.Version);
        if (truth.Class is { } text ? text.Length is 0 or > OutcomeCodec.MaxClass : !double.IsFinite(truth.Number))
        {
            throw new ArgumentException($"A truth is a finite number or the name of a class of 1 to {OutcomeCodec.MaxClass} characters; another was given.", nameof(truth));
        }

        RecordLog log = await LogAsync(model, cancellationToken).ConfigureAwait(false);
        await AppendAsync(log, OutcomeCodec.WriteTruth(_ids.Hash(truth.Id), truth.Version, truth.Number, truth.Class), truth.At, cancellationToken).ConfigureAwait(false);
    }
}
