using System.Globalization;
using System.Net;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>The readable forms of a card: one list of blocks, written as Markdown or as HTML.</summary>
internal static class CardText
{
    internal static ModelCardMetadata MetadataOf(ModelCard card)
    {
        ModelManifest? manifest = card.Manifest;
        string? dataset = manifest?.Dataset?.Source;
        ModelTask? task = manifest?.Schema.Task;
        return new ModelCardMetadata
        {
            License = card.Tags.GetValueOrDefault("license"),
            Language = Listed(card.Tags.GetValueOrDefault("language")),
            LibraryName = manifest?.ModelFormat,
            Tags = [.. card.Tags.Where(t => t.Key is not ("license" or "language" or "base_model")).Select(t => t.Value.Length == 0 ? t.Key : $"{t.Key}:{t.Value}")],
            Datasets = dataset is null ? [] : [dataset],
            Metrics = manifest is null ? [] : [.. manifest.Metrics.Keys.Order(StringComparer.Ordinal)],
            BaseModel = Listed(card.Tags.GetValueOrDefault("base_model")),
            ModelName = card.Model,
            Results = manifest is null || task is null ? [] : [.. manifest.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => new ModelCardResult(task == ModelTask.Regression ? "tabular-regression" : "tabular-classification", dataset ?? "not known", manifest.Dataset?.Fingerprint.ToString(), "test", m.Key, m.Value.Value))],
        };
    }

    internal static string Markdown(ModelCard card)
    {
        StringBuilder text = new(card.Metadata.ToYaml());
        foreach (Block block in Blocks(card))
        {
            text.Append('\n');
            switch (block)
            {
                case Heading heading:
                    text.Append('#', heading.Level).Append(' ').Append(Plain(heading.Text)).Append('\n');
                    break;
                case Sentence sentence:
                    text.Append(Plain(sentence.Text)).Append('\n');
                    break;
                case Written written:
                    text.Append(written.Section.Text.ReplaceLineEndings("\n").Trim('\n')).Append("\n\n*").Append(Plain(Signature(written.Section))).Append("*\n");
                    break;
                case Grid grid:
                    Row(text, grid.Titles);
                    Row(text, [.. grid.Titles.Select(_ => "---")]);
                    foreach (string[] row in grid.Rows)
                    {
                        Row(text, [.. row.Select(Plain)]);
                    }

                    break;
                default:
                    break;
            }
        }

        return text.ToString();
    }

    internal static string Html(ModelCard card)
    {
        StringBuilder page = new("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>");
        page.Append(Encoded($"{card.Model} v{card.Version}"))
            .Append("</title><style>body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}.written{white-space:pre-wrap}</style></head>\n<body>\n");
        foreach (Block block in Blocks(card))
        {
            switch (block)
            {
                case Heading heading:
                    page.Append(CultureInfo.InvariantCulture, $"<h{heading.Level}>{Encoded(heading.Text)}</h{heading.Level}>\n");
                    break;
                case Sentence sentence:
                    page.Append("<p>").Append(Encoded(sentence.Text)).Append("</p>\n");
                    break;
                case Written written:
                    page.Append("<div class=\"written\">").Append(Encoded(written.Section.Text)).Append("</div>\n<p><em>").Append(Encoded(Signature(written.Section))).Append("</em></p>\n");
                    break;
                case Grid grid:
                    page.Append("<table>\n<tr>").AppendJoin(string.Empty, grid.Titles.Select(t => $"<th>{Encoded(t)}</th>")).Append("</tr>\n");
                    foreach (string[] row in grid.Rows)
                    {
                        page.Append("<tr>").AppendJoin(string.Empty, row.Select(c => $"<td>{Encoded(c)}</td>")).Append("</tr>\n");
                    }

                    page.Append("</table>\n");
                    break;
                default:
                    break;
            }
        }

        return page.Append("</body>\n</html>\n").ToString();
    }

    private static IEnumerable<Block> Blocks(ModelCard card)
    {
        yield return new Heading(1, $"{card.Model}, version {Text(card.Version)}");
        if (card.Description is { Length: > 0 } description)
        {
            yield return new Sentence(description);
        }

        if (card.Deprecated || card.Deleted)
        {
            yield return new Sentence($"This version is {(card.Deleted ? "deleted" : "deprecated")}.{(card.Successor is { } successor ? $" Use version {Text(successor)}." : string.Empty)}");
        }

        yield return Pairs(
            ("Owner", card.Owner ?? "nobody yet"),
            ("Stage", card.Stage),
            ("Aliases", card.Aliases.Count == 0 ? "none" : string.Join(", ", card.Aliases)),
            ("Registered", $"{Text(card.RegisteredAt)} by {card.RegisteredBy}: {card.Reason}"),
            ("Task", card.Manifest?.Schema.Task.ToString()),
            ("Algorithm", card.Manifest?.Algorithm),
            ("Format", card.Manifest?.ModelFormat),
            ("Follows", card.Manifest?.Parent is { } parent ? $"version {Text(parent)}" : null),
            ("Run", card.Manifest?.RunId),
            ("Signed", card.Signed ? "yes" : "no"),
            ("Drift", card.Drift.ToString()),
            ("Rating", card.Rating is { } rating ? $"{Text(Math.Round(rating.Mean, 2))} of 5 stars by {Text(rating.Count)} {(rating.Count == 1 ? "person" : "people")} (lower bound {Text(Math.Round(rating.LowerBound, 2))})" : "nobody yet"),
            ("Access requests", card.AccessRequests == 0 ? null : $"{Text(card.AccessRequests)}, {Text(card.OpenAccessRequests)} without an answer"),
            ("Digest", card.Digest.ToString()));
        foreach (CardSection section in card.Sections)
        {
            yield return new Heading(2, CardRules.Heading(section.Name));
            yield return new Written(section);
        }

        foreach (string missing in card.Missing)
        {
            yield return new Heading(2, CardRules.Heading(missing));
            yield return new Sentence("Nobody has written this section yet.");
        }

        foreach (Block block in (card.Manifest is { } manifest ? OfManifest(card, manifest) : []).Concat(OfLedger(card)))
        {
            yield return block;
        }
    }

    private static IEnumerable<Block> OfManifest(ModelCard card, ModelManifest manifest)
    {
        if (manifest.Goal is { } goal)
        {
            yield return new Heading(2, "Goal");
            yield return new Sentence(goal.Statement);
            yield return Gates(goal.Criteria);
        }

        yield return new Heading(2, "Training data");
        if (manifest.Dataset is { } data)
        {
            yield return Pairs(
                ("Source", data.Source),
                ("Fingerprint", data.Fingerprint.ToString()),
                ("Period", data.From is null && data.To is null ? null : $"{data.From ?? "?"} to {data.To ?? "?"}"),
                ("Rows accepted", Text(data.Rows)),
                ("Rows refused", Text(data.Rejected)),
                ("Trained on", Text(data.TrainingRows)),
                ("Tested on", Text(data.TestRows)));
        }
        else
        {
            yield return new Sentence("Not known.");
        }

        if (card.RejectedRows.Count > 0)
        {
            yield return new Grid(["Rule of the data contract", "Rows that broke it"], [.. card.RejectedRows.Select(r => (string[])[r.Key, Text(r.Value)])]);
        }

        yield return new Heading(2, "Metrics on the test rows");
        yield return new Grid(["Metric", "Value", "95 % interval"], [.. manifest.Metrics.Select(m => (string[])[m.Key, Text(m.Value.Value), Interval(m.Value)])]);
        if (manifest.Gates.Count > 0)
        {
            yield return new Heading(2, "Gates");
            yield return Gates(manifest.Gates);
        }

        if (card.Slices.Count > 0)
        {
            yield return new Heading(2, "Parts of the test rows, worst first");
            yield return new Grid(["Part", "Rows", "Metric", "Value", "95 % interval"], [.. card.Slices.Select(s => (string[])[$"{s.Column} = {s.Value}", Text(s.Rows), s.Metric, s.Result is null ? "too few rows" : Text(s.Result.Value), s.Result is null ? string.Empty : Interval(s.Result)])]);
        }

        if (card.Candidates.Count > 0)
        {
            yield return new Heading(2, "Candidates that were tried");
            yield return new Grid(["Candidate", "On the validation rows", "Problem"], [.. card.Candidates.Select(c => (string[])[c.Name, string.Join(", ", c.Metrics.Select(m => $"{m.Key} {Text(m.Value.Value)}")), c.Problem ?? string.Empty])]);
        }

        if (manifest.Notes.Count > 0)
        {
            yield return new Heading(2, "Notes of the training");
            yield return new Grid(["Note"], [.. manifest.Notes.Select(n => (string[])[n])]);
        }

        yield return new Heading(2, "Inputs and outputs");
        yield return new Grid(["Input", "Kind", "Seen in training", "Missing"], [.. manifest.Schema.Inputs.Select(i => (string[])[i.Name, i.Kind.ToString(), Seen(i), Text(i.MissingShare)])]);
        yield return new Sentence($"Learned column: {manifest.Schema.Label}. Outputs: {string.Join(", ", manifest.Schema.Outputs)}.");
        if (manifest.Parameters.Count > 0)
        {
            yield return new Heading(2, "Parameters");
            yield return new Grid(["Parameter", "Value"], [.. manifest.Parameters.Select(p => (string[])[p.Key, p.Value])]);
        }

        if (manifest.Environment is { } environment)
        {
            yield return new Heading(2, "Environment");
            yield return Pairs(
                [("Runtime", environment.Runtime), ("Operating system", environment.OperatingSystem), ("Architecture", environment.Architecture), ("Processors", Text(environment.Processors)), ("Seed", Text(environment.Seed)), ("Git commit", environment.GitCommit), .. environment.Packages.Select(p => (p.Key, (string?)p.Value))]);
        }

        yield return new Heading(2, "Files");
        yield return new Grid(["File", "Bytes", "Digest"], [.. manifest.Files.Select(f => (string[])[f.Name, Text(f.Length), f.Digest.ToString()])]);
    }

    private static IEnumerable<Block> OfLedger(ModelCard card)
    {
        yield return new Heading(2, "Approvals");
        yield return card.Approvals.Count == 0 ? new Sentence("None.") : new Grid(["By", "At", "Reason"], [.. card.Approvals.Select(a => (string[])[a.By, Text(a.At), a.Reason])]);
        if (card.Deployments.Count > 0)
        {
            yield return new Heading(2, "In service");
            yield return new Grid(["Host", "From", "Until"], [.. card.Deployments.Select(d => (string[])[d.Host, Text(d.Start), d.End is { } end ? Text(end) : "now"])]);
        }

        if (card.MadeOf.Count > 0)
        {
            yield return new Heading(2, "Made of");
            yield return new Grid(["What", "Name", "Known as"], [.. card.MadeOf.Select(m => (string[])[m.Node.Kind, m.Node.Name, m.Label ?? string.Empty])]);
        }

        yield return new Heading(2, "Changes");
        yield return new Grid(["Entry", "What", "By", "At", "Reason"], [.. card.Changes.Select(c => (string[])[Text(c.Entry), c.Outcome == LedgerOutcome.Done ? c.Kind : $"{c.Kind} ({c.Outcome.ToString().ToLowerInvariant()})", c.By, Text(c.At), c.Reason])]);
    }

    private static Grid Gates(IReadOnlyList<GateResult> gates) => new(["Rule", "Kept", "Expected and found"], [.. gates.Select(g => (string[])[g.Name, g.Passed ? "yes" : "no", g.Message])]);

    private static Grid Pairs(params (string Title, string? Value)[] pairs) => new(["Fact", "Value"], [.. pairs.Where(p => p.Value is not null).Select(p => (string[])[p.Title, p.Value!])]);

    private static string Seen(ModelInput input) => input.Categories is { } categories
        ? $"{Text(categories.Count)} categories"
        : input.Minimum is { } minimum && input.Maximum is { } maximum ? $"{Text(minimum)} to {Text(maximum)}" : "not known";

    private static string Interval(MetricValue metric) => metric.Lower is { } lower && metric.Upper is { } upper ? $"{Text(lower)} to {Text(upper)}" : string.Empty;

    private static string Signature(CardSection section) => $"Written by {section.By} on {Text(section.At)}{(section.OfModel ? " for every version" : string.Empty)}: {section.Reason}";

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string[] Listed(string? tag) => tag?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static void Row(StringBuilder text, IReadOnlyList<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    private static string Encoded(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A text in one line in which nothing is Markdown or HTML.</summary>
    private static string Plain(string text)
    {
        StringBuilder plain = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '<':
                    plain.Append("&lt;");
                    break;
                case '>':
                    plain.Append("&gt;");
                    break;
                case '&':
                    plain.Append("&amp;");
                    break;
                case '\\' or '|' or '`' or '*' or '_' or '[' or ']' or '#' or '~' or '!' or '$':
                    plain.Append('\\').Append((char)rune.Value);
                    break;
                default:
                    _ = Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029 ? plain.Append(' ') : plain.Append(rune.ToString());
                    break;
            }
        }

        string line = plain.ToString().Trim();
        return line.Length > 0 && line[0] is ('-' or '+' or '=') ? "\\" + line : line;
    }

    private abstract record Block;

    private sealed record Heading(int Level, string Text) : Block;

    private sealed record Sentence(string Text) : Block;

    private sealed record Written(CardSection Section) : Block;

    private sealed record Grid(string[] Titles, string[][] Rows) : Block;
}
