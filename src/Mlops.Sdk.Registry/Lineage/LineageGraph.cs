using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>The kinds of thing in a lineage graph. Declared connections may use others.</summary>
public static class LineageKinds
{
    /// <summary>Where data comes from. Name: the source's description.</summary>
    public const string Source = "source";

    /// <summary>A dataset with certain content. Name: its digest.</summary>
    public const string Dataset = "dataset";

    /// <summary>A feature. Name: as declared.</summary>
    public const string Feature = "feature";

    /// <summary>A run. Name: its id.</summary>
    public const string Run = "run";

    /// <summary>A version of a model. Name: <c>model/number</c>.</summary>
    public const string Version = "version";

    /// <summary>An alias. Name: <c>model@alias</c>.</summary>
    public const string Alias = "alias";

    /// <summary>A host that serves a model. Name: <c>model@host</c>.</summary>
    public const string Deployment = "deployment";

    /// <summary>A check that watches a version. Name: <c>model/number/check</c>.</summary>
    public const string Monitor = "monitor";

    /// <summary>What a check found. Name: the alert's id.</summary>
    public const string Alert = "alert";

    /// <summary>An approval. Name: <c>model/number/entry</c> with the number of its ledger entry.</summary>
    public const string Decision = "decision";
}

/// <summary>A thing in a lineage graph.</summary>
/// <param name="Kind">What it is: one of <see cref="LineageKinds"/>, or as declared; 1 to 64 of <c>a-z 0-9 - _</c>.</param>
/// <param name="Name">Its name; 1 to 512 characters when declared.</param>
public sealed record LineageNode(string Kind, string Name)
{
    /// <summary>Names a dataset by its content.</summary>
    /// <param name="fingerprint">The digest of its content.</param>
    /// <returns>The node.</returns>
    public static LineageNode Dataset(Digest fingerprint) => new(LineageKinds.Dataset, fingerprint.ToString());

    /// <summary>Names a source of data.</summary>
    /// <param name="source">The source's description, as the dataset has it.</param>
    /// <returns>The node.</returns>
    public static LineageNode Source(string source) => new(LineageKinds.Source, source);

    /// <summary>Names a feature.</summary>
    /// <param name="name">The feature.</param>
    /// <returns>The node.</returns>
    public static LineageNode Feature(string name) => new(LineageKinds.Feature, name);

    /// <summary>Names a run.</summary>
    /// <param name="runId">Its id.</param>
    /// <returns>The node.</returns>
    public static LineageNode Run(string runId) => new(LineageKinds.Run, runId);

    /// <summary>Names a version.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="number">The version's number.</param>
    /// <returns>The node.</returns>
    public static LineageNode Version(string model, int number) => new(LineageKinds.Version, string.Create(CultureInfo.InvariantCulture, $"{model}/{number}"));

    /// <summary>Names an alias.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias.</param>
    /// <returns>The node.</returns>
    public static LineageNode Alias(string model, string alias) => new(LineageKinds.Alias, $"{model}@{alias}");

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} '{Name}'";
}

/// <summary>A node of an answer.</summary>
/// <param name="Node">The node.</param>
/// <param name="Label">What people call it, such as a dataset's name, or null.</param>
/// <param name="Depth">How many steps it is from where the question started.</param>
public sealed record LineageFact(LineageNode Node, string? Label, int Depth);

/// <summary>A connection of an answer.</summary>
/// <param name="From">Where it comes from.</param>
/// <param name="To">What was made of it or depends on it.</param>
/// <param name="Relation">How, such as <c>used</c> or <c>made</c>.</param>
/// <param name="Entry">The number of the ledger entry that says so.</param>
public sealed record LineageEdge(LineageNode From, LineageNode To, string Relation, long Entry);

/// <summary>Part of the lineage.</summary>
/// <param name="Nodes">The nodes, nearest first, then in the order in which the ledger first spoke of them.</param>
/// <param name="Edges">The connections among them, in the order of the ledger.</param>
/// <param name="IsComplete">False when there was more than the question's limits let through.</param>
public sealed record LineageGraph(IReadOnlyList<LineageFact> Nodes, IReadOnlyList<LineageEdge> Edges, bool IsComplete)
{
    /// <summary>Draws the graph as a Mermaid flow chart.</summary>
    /// <returns>The text, for a Markdown block of kind <c>mermaid</c>.</returns>
    public string ToMermaid()
    {
        StringBuilder text = new("flowchart LR\n");
        Dictionary<LineageNode, int> numbers = Numbers();
        foreach (LineageFact fact in Nodes)
        {
            (string open, string close) = fact.Node.Kind switch
            {
                LineageKinds.Source or LineageKinds.Dataset => ("[(\"", "\")]"),
                LineageKinds.Run => ("([\"", "\"])"),
                LineageKinds.Alias or LineageKinds.Deployment => ("{{\"", "\"}}"),
                _ => ("[\"", "\"]"),
            };
            text.Append(CultureInfo.InvariantCulture, $"  n{numbers[fact.Node]}{open}{Entities(Caption(fact))}{close}\n");
        }

        foreach (LineageEdge edge in Edges)
        {
            text.Append(CultureInfo.InvariantCulture, $"  n{numbers[edge.From]} -->|\"{Entities(edge.Relation)}\"| n{numbers[edge.To]}\n");
        }

        return text.ToString();
    }

    /// <summary>Draws the graph in the language of Graphviz.</summary>
    /// <returns>The text.</returns>
    public string ToDot()
    {
        StringBuilder text = new("digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
        Dictionary<LineageNode, int> numbers = Numbers();
        foreach (LineageFact fact in Nodes)
        {
            text.Append(CultureInfo.InvariantCulture, $"  n{numbers[fact.Node]} [label=\"{Escaped(Caption(fact))}\"];\n");
        }

        foreach (LineageEdge edge in Edges)
        {
            text.Append(CultureInfo.InvariantCulture, $"  n{numbers[edge.From]} -> n{numbers[edge.To]} [label=\"{Escaped(edge.Relation)}\"];\n");
        }

        return text.Append("}\n").ToString();
    }

    private static string Caption(LineageFact fact) => $"{fact.Node.Kind}: {(fact.Label is null ? fact.Node.Name : fact.Node.Kind == LineageKinds.Dataset ? $"{fact.Label} ({Short(fact.Node.Name)})" : fact.Label)}";

    private static string Short(string digest) => digest.Length > 19 ? digest[..19] : digest;

    /// <summary>Everything but letters, digits and a few harmless signs as a numbered entity: nothing can end the text or start markup.</summary>
    private static string Entities(string text)
    {
        StringBuilder safe = new();
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = Rune.IsLetterOrDigit(rune) || rune.Value is ' ' or '.' or ',' or ':' or '/' or '-' or '_' or '@' or '(' or ')'
                ? safe.Append(rune.ToString())
                : Rune.IsControl(rune) ? safe.Append(' ') : safe.Append(CultureInfo.InvariantCulture, $"#{rune.Value};");
        }

        return safe.ToString();
    }

    private static string Escaped(string text)
    {
        StringBuilder safe = new();
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = rune.Value is '"' or '\\' ? safe.Append('\\').Append((char)rune.Value) : Rune.IsControl(rune) ? safe.Append(' ') : safe.Append(rune.ToString());
        }

        return safe.ToString();
    }

    private Dictionary<LineageNode, int> Numbers() => Nodes.Select((fact, i) => (fact.Node, i)).ToDictionary(p => p.Node, p => p.i);
}

/// <summary>How far a question about the lineage goes.</summary>
public sealed record LineageReach
{
    /// <summary>Gets how many steps at most.</summary>
    /// <value>From 1. The default is 64.</value>
    public int Depth { get; init; } = 64;

    /// <summary>Gets how many nodes at most; the nearest ones are kept.</summary>
    /// <value>From 1 to 100,000. The default is 10,000.</value>
    public int Nodes { get; init; } = 10_000;

    /// <summary>
    /// Gets whether connections that carry no data are followed too: that a version follows another (<c>followed</c>), and that an alert
    /// started a run (<c>triggered</c>).
    /// </summary>
    /// <value>The default is false.</value>
    public bool Context { get; init; }
}

/// <summary>What hangs on a thing.</summary>
/// <param name="Of">The thing.</param>
/// <param name="Features">The features made of it.</param>
/// <param name="Runs">The runs that used it.</param>
/// <param name="Versions">The versions made of it.</param>
/// <param name="Aliases">The aliases that name one of those versions now.</param>
/// <param name="Deployments">The hosts that serve one of those versions now.</param>
/// <param name="Monitors">The checks that watch one of those versions.</param>
/// <param name="Others">Whatever else was declared to depend on it.</param>
/// <param name="IsComplete">False when there was more than the question's limits let through.</param>
public sealed record LineageImpact(
    LineageNode Of,
    IReadOnlyList<LineageNode> Features,
    IReadOnlyList<LineageNode> Runs,
    IReadOnlyList<LineageNode> Versions,
    IReadOnlyList<LineageNode> Aliases,
    IReadOnlyList<LineageNode> Deployments,
    IReadOnlyList<LineageNode> Monitors,
    IReadOnlyList<LineageNode> Others,
    bool IsComplete);
