using System.Globalization;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Which of deleted and not deleted things to list.</summary>
public enum RunView
{
    /// <summary>Those that are not deleted.</summary>
    Active,

    /// <summary>Those that are deleted.</summary>
    Deleted,

    /// <summary>All.</summary>
    All,
}

/// <summary>What runs to look for.</summary>
public sealed record RunQuery
{
    /// <summary>Gets the experiments to search; null for all.</summary>
    public IReadOnlyList<string>? Experiments { get; init; }

    /// <summary>Gets what must hold, such as <c>RunFilter.Parse("metrics.auc > 0.9")</c> or <c>RunField.Metric("auc").Above(0.9)</c>; null for everything.</summary>
    public RunFilter? Filter { get; init; }

    /// <summary>Gets which runs.</summary>
    public RunView View { get; init; }

    /// <summary>Gets the order; runs that are equal in all of it come as started last first. Runs that lack a field come after those that have it.</summary>
    public IReadOnlyList<RunOrder> OrderBy { get; init; } = [];

    /// <summary>Gets how many runs a page has at most.</summary>
    /// <value>From 1 to 10,000. The default is 100.</value>
    public int PageSize { get; init; } = 100;

    /// <summary>Gets the token of the page, from <see cref="RunPage.NextPage"/>; null for the first one.</summary>
    public string? Page { get; init; }
}

/// <summary>One field of an order.</summary>
/// <param name="Field">The field.</param>
/// <param name="Descending">Whether high values come first.</param>
public sealed record RunOrder(RunField Field, bool Descending = false)
{
    /// <summary>Reads an order's text, such as <c>metrics.auc desc</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The order.</returns>
    /// <exception cref="MlopsDataException">The text is no order; code <c>tracking.invalid_filter</c>.</exception>
    public static RunOrder Parse(string text) => RunFilterParser.ParseOrder(text);
}

/// <summary>A page of runs.</summary>
/// <param name="Runs">The runs.</param>
/// <param name="NextPage">The token of the next page, or null when this is the last. Runs that change between two pages may be seen twice or not at all; the others are seen once.</param>
public sealed record RunPage(IReadOnlyList<RunDetails> Runs, string? NextPage);

/// <summary>Where a page ended: the last run and its values in the order.</summary>
internal sealed record PageToken(int Format, string Query, string RunId, long Started, IReadOnlyList<string?> Values);

/// <summary>Filters, sorts and cuts runs into pages.</summary>
internal static class RunSearch
{
    internal static RunPage Run(List<RunDetails> runs, RunQuery query)
    {
        if (query.PageSize is < 1 or > 10_000)
        {
            throw new MlopsDataException("tracking.invalid_query", $"RunQuery.PageSize is {query.PageSize}; it must be from 1 to 10,000.");
        }

        if (query.OrderBy is not { Count: <= 8 })
        {
            throw new MlopsDataException("tracking.invalid_query", "A search orders by at most 8 fields.");
        }

        string stamp = Stamp(query);
        IEnumerable<RunDetails> found = runs.Where(r => (query.View == RunView.All || r.Deleted == (query.View == RunView.Deleted)) && (query.Filter?.Matches(r) ?? true));
        List<(RunDetails Run, RunValue[] Values)> sorted = [.. found.Select(r => (r, query.OrderBy.Select(o => o.Field.ValueOf(r)).ToArray()))];
        var order = new Order(query.OrderBy);
        sorted.Sort(order);
        int from = 0;
        if (query.Page is { } page)
        {
            PageToken token = Read(page, stamp, query.OrderBy.Count);
            (RunDetails, RunValue[]) last = (new RunDetails(token.RunId, string.Empty, RunStatus.Running, string.Empty, string.Empty, Actor.System, new DateTimeOffset(token.Started, TimeSpan.Zero)), [.. token.Values.Select(RunValue.FromToken)]);
            from = sorted.BinarySearch(last, order) is var at && at < 0 ? ~at : at + 1;
        }

        List<(RunDetails Run, RunValue[] Values)> cut = sorted.GetRange(from, Math.Min(query.PageSize, sorted.Count - from));
        string? next = from + cut.Count == sorted.Count || cut.Count == 0 ? null : Write(new PageToken(1, stamp, cut[^1].Run.RunId, cut[^1].Run.Started.UtcTicks, [.. cut[^1].Values.Select(v => v.ToToken())]));
        return new RunPage([.. cut.Select(r => r.Run)], next);
    }

    /// <summary>A page token goes with its query: another filter or order would skip runs without a word.</summary>
    private static string Stamp(RunQuery query) => Digest.Of(System.Text.Encoding.UTF8.GetBytes(string.Join('\n',
        [query.View.ToString(), query.Filter?.ToString() ?? string.Empty, .. query.OrderBy.Select(o => $"{o.Field} {o.Descending}"), .. query.Experiments ?? ["*"]]))).Hex[..16];

    private static string Write(PageToken token) => Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(token, TrackingJson.Default.PageToken)).Replace('+', '-').Replace('/', '_').TrimEnd('=');

    private static PageToken Read(string text, string stamp, int fields)
    {
        try
        {
            if (text.Length <= 200_000)
            {
                string base64 = text.Replace('-', '+').Replace('_', '/');
                byte[] bytes = Convert.FromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '='));
                if (JsonSerializer.Deserialize(bytes, TrackingJson.Default.PageToken) is { Format: 1, Values: not null } token
                    && token.Query == stamp && token.Values.Count == fields && token.Started >= 0 && token.Started <= DateTimeOffset.MaxValue.UtcTicks)
                {
                    return token;
                }
            }
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            // said below
        }

        throw new MlopsDataException("tracking.invalid_query", "The page token is none of this search: it was made by another search, or is no token. Take RunPage.NextPage of the same query, or begin without one.");
    }

    private sealed class Order(IReadOnlyList<RunOrder> orders) : IComparer<(RunDetails Run, RunValue[] Values)>
    {
        public int Compare((RunDetails Run, RunValue[] Values) x, (RunDetails Run, RunValue[] Values) y)
        {
            for (int i = 0; i < orders.Count; i++)
            {
                int order = RunValue.Compare(x.Values[i], y.Values[i], orders[i].Descending);
                if (order != 0)
                {
                    return order;
                }
            }

            int started = y.Run.Started.CompareTo(x.Run.Started);
            return started != 0 ? started : string.CompareOrdinal(y.Run.RunId, x.Run.RunId);
        }
    }
}

/// <summary>The value of a field: a number, a text, or none.</summary>
internal readonly record struct RunValue(double? Number, string? Text)
{
    internal static RunValue None => default;

    internal bool Exists => Number is not null || Text is not null;

    internal static RunValue Of(double? number) => new(number, null);

    internal static RunValue Of(string? text) => new(null, text);

    /// <summary>Orders values: numbers (NaN last of them), then texts, then none, which is last whatever the direction.</summary>
    internal static int Compare(RunValue x, RunValue y, bool descending)
    {
        int rank = Rank(x).CompareTo(Rank(y));
        if (rank != 0 || !x.Exists)
        {
            return rank;
        }

        int order = x.Number is { } a && y.Number is { } b ? a.CompareTo(b) : string.CompareOrdinal(x.Text, y.Text);
        return descending ? -order : order;
    }

    internal static RunValue FromToken(string? token) => token switch
    {
        null or "" => None,
        ['t', .. var text] => Of(text),
        _ => double.TryParse(token.AsSpan(1), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? Of(value) : None,
    };

    internal string? ToToken() => Number is { } number ? "n" + TrackingRules.Number(number) : Text is null ? null : "t" + Text;

    private static int Rank(RunValue value) => value.Number is { } number ? (double.IsNaN(number) ? 1 : 0) : value.Text is not null ? 2 : 3;
}
