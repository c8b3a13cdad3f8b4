using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>A result in a card's front matter: a metric of a model on a dataset.</summary>
/// <param name="Task">The kind of task in the words of the Hugging Face hub, such as <c>tabular-classification</c>.</param>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="Revision">The dataset's version, or null.</param>
/// <param name="Split">The part of the dataset, or null.</param>
/// <param name="Metric">The metric's name.</param>
/// <param name="Value">Its value; finite.</param>
public sealed record ModelCardResult(string Task, string Dataset, string? Revision, string? Split, string Metric, double Value);

/// <summary>The front matter of a model card as the Hugging Face hub reads it: what catalogs outside understand of a model.</summary>
public sealed record ModelCardMetadata
{
    /// <summary>Gets the licence, such as <c>mit</c>, or null.</summary>
    public string? License { get; init; }

    /// <summary>Gets the languages.</summary>
    public IReadOnlyList<string> Language { get; init; } = [];

    /// <summary>Gets the library that loads the model, or null.</summary>
    public string? LibraryName { get; init; }

    /// <summary>Gets the tags.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Gets the names of the datasets it was trained on.</summary>
    public IReadOnlyList<string> Datasets { get; init; } = [];

    /// <summary>Gets the names of the metrics it was evaluated by.</summary>
    public IReadOnlyList<string> Metrics { get; init; } = [];

    /// <summary>Gets the models it was made from.</summary>
    public IReadOnlyList<string> BaseModel { get; init; } = [];

    /// <summary>Gets the model's name in the results, or null.</summary>
    public string? ModelName { get; init; }

    /// <summary>Gets the results.</summary>
    public IReadOnlyList<ModelCardResult> Results { get; init; } = [];

    /// <summary>Reads the front matter of a card: the part between the first two lines of three hyphens.</summary>
    /// <param name="markdown">The card.</param>
    /// <returns>What it says; empty when the card has none. Fields that are not known here are passed over.</returns>
    /// <exception cref="MlopsDataException">
    /// It is not the part of YAML that cards are written in (mappings, lists, quoted and plain texts), is longer than 64 KiB or nests deeper
    /// than 16 levels; code <c>card.invalid_front_matter</c>, with the line.
    /// </exception>
    public static ModelCardMetadata Read(string markdown)
    {
        ArgumentNullException.ThrowIfNull(markdown);
        return FrontMatter.Parse(markdown) is { } root ? Of(root) : new ModelCardMetadata();
    }

    /// <summary>Writes the front matter, with the lines of hyphens around it. Every text is quoted, so none can end it or add to it.</summary>
    /// <returns>The text, ended by a line feed.</returns>
    public string ToYaml()
    {
        StringBuilder yaml = new("---\n");
        One(yaml, "license", License);
        Many(yaml, "language", Language);
        One(yaml, "library_name", LibraryName);
        Many(yaml, "tags", Tags);
        Many(yaml, "datasets", Datasets);
        Many(yaml, "metrics", Metrics);
        Many(yaml, "base_model", BaseModel);
        if (ModelName is not null || Results.Count > 0)
        {
            yaml.Append("model-index:\n- name: ").Append(FrontMatter.Quote(ModelName ?? string.Empty)).Append('\n');
            yaml.Append(Results.Count == 0 ? "  results: []\n" : "  results:\n");
            foreach (ModelCardResult result in Results)
            {
                yaml.Append("  - task:\n      type: ").Append(FrontMatter.Quote(result.Task)).Append("\n    dataset:\n      type: ").Append(FrontMatter.Quote(result.Dataset))
                    .Append("\n      name: ").Append(FrontMatter.Quote(result.Dataset)).Append('\n');
                One(yaml, "      revision", result.Revision);
                One(yaml, "      split", result.Split);
                yaml.Append("    metrics:\n    - type: ").Append(FrontMatter.Quote(result.Metric)).Append("\n      value: ").Append(FrontMatter.Number(result.Value)).Append('\n');
            }
        }

        return yaml.Append("---\n").ToString();
    }

    private static void One(StringBuilder yaml, string key, string? value)
    {
        if (value is not null)
        {
            yaml.Append(key).Append(": ").Append(FrontMatter.Quote(value)).Append('\n');
        }
    }

    private static void Many(StringBuilder yaml, string key, IReadOnlyList<string> values)
    {
        if (values.Count > 0)
        {
            yaml.Append(key).Append(":\n");
            foreach (string value in values)
            {
                yaml.Append("- ").Append(FrontMatter.Quote(value)).Append('\n');
            }
        }
    }

    private static ModelCardMetadata Of(Dictionary<string, object?> root)
    {
        List<ModelCardResult> results = [];
        Dictionary<string, object?>? index = Items(root.GetValueOrDefault("model-index")).OfType<Dictionary<string, object?>>().FirstOrDefault();
        foreach (Dictionary<string, object?> result in Items(index?.GetValueOrDefault("results")).OfType<Dictionary<string, object?>>())
        {
            var dataset = result.GetValueOrDefault("dataset") as Dictionary<string, object?>;
            foreach (Dictionary<string, object?> metric in Items(result.GetValueOrDefault("metrics")).OfType<Dictionary<string, object?>>())
            {
                if (Text(metric, "type") is { } type && double.TryParse(Text(metric, "value"), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
                {
                    results.Add(new ModelCardResult(
                        Text(result.GetValueOrDefault("task") as Dictionary<string, object?>, "type") ?? string.Empty,
                        Text(dataset, "name") ?? Text(dataset, "type") ?? string.Empty,
                        Text(dataset, "revision"),
                        Text(dataset, "split"),
                        type,
                        value));
                }
            }
        }

        return new ModelCardMetadata
        {
            License = Text(root, "license"),
            Language = Texts(root, "language"),
            LibraryName = Text(root, "library_name"),
            Tags = Texts(root, "tags"),
            Datasets = Texts(root, "datasets"),
            Metrics = Texts(root, "metrics"),
            BaseModel = Texts(root, "base_model"),
            ModelName = Text(index, "name"),
            Results = results,
        };
    }

    private static string? Text(Dictionary<string, object?>? map, string key) => map?.GetValueOrDefault(key) as string;

    private static IReadOnlyList<string> Texts(Dictionary<string, object?> map, string key) => [.. Items(map.GetValueOrDefault(key)).OfType<string>()];

    /// <summary>A list's items, or a single value as a list of one: both are written.</summary>
    private static List<object?> Items(object? value) => value switch { null => [], List<object?> list => list, _ => [value] };
}
