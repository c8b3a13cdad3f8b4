namespace Mlops.Sdk.Registry;

/// <summary>A part of a text with its weight: a word in a name says more than the same word in a long section.</summary>
/// <param name="Text">The text.</param>
/// <param name="Weight">What one occurrence counts.</param>
/// <param name="Usual">The usual number of words: in a longer part each one counts less.</param>
internal readonly record struct TextPart(string Text, double Weight, int Usual);

/// <summary>An inverted index that documents are added to and taken out of at any time.</summary>
/// <remarks>
/// Ranking is BM25 over weighted parts (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009). A word's weight in a
/// document is w = sum over parts of weight * count / (1 - b + b * length / usual length), saturated as w / (k1 + w), with k1 = 1.2 and
/// b = 0.75; its score is that times ln(1 + (N - n + 0.5) / (n + 0.5)) for N documents of which n hold the word. A word that only begins
/// with what was asked counts 0.6 of it, and of several words with one beginning the best one counts. The usual lengths are
/// constants, so scores hang on the facts alone, not on the order of work. Not thread-safe.
/// </remarks>
internal sealed class TextIndex
{
    private const double K1 = 1.2;
    private const double B = 0.75;
    private const float OfPrefix = 0.6f;
    private const int MaxWords = 50_000; // of one document; a catalog is no full-text archive
    private readonly List<Posting> _terms = [];
    private readonly List<int[][]?> _documents = []; // per document the terms of each part; null when taken out
    private readonly Dictionary<string, int> _byText = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private string[] _sorted = [];
    private int[] _sortedIds = [];
    private readonly List<string> _unsorted = []; // new terms since the last sort
    private readonly List<int> _cut = [];
    private int _live;
    private float[] _scores = [];
    private readonly List<int> _touched = [];

    internal TextIndex() => _bySpan = _byText.GetAlternateLookup<ReadOnlySpan<char>>();

    internal int Live => _live;

    internal int Dead => _documents.Count - _live;

    internal int Add(ReadOnlySpan<TextPart> parts)
    {
        int document = _documents.Count;
        int[][] kept = new int[parts.Length][];
        int left = MaxWords;
        for (int p = 0; p < parts.Length; p++)
        {
            _cut.Clear();
            if (left > 0 && parts[p].Text.Length > 0)
            {
                TermSink sink = new(this);
                TextTokens.Cut(parts[p].Text, ref sink, left);
                left -= _cut.Count;
            }

            kept[p] = [.. _cut];
            double each = parts[p].Weight / (1 - B + (B * _cut.Count / parts[p].Usual));
            foreach (int term in kept[p])
            {
                Posting posting = _terms[term];
                if (posting.Weight == 0)
                {
                    _touched.Add(term);
                }

                posting.Weight += each;
            }
        }

        foreach (int term in _touched)
        {
            Posting posting = _terms[term];
            posting.Add(document, (float)(posting.Weight / (K1 + posting.Weight)));
            posting.Weight = 0;
        }

        _touched.Clear();
        _documents.Add(kept);
        _live++;
        return document;
    }

    internal void Remove(int document)
    {
        if (_documents[document] is { } parts)
        {
            foreach (int term in parts.SelectMany(p => p).Distinct())
            {
                _terms[term].Live--;
            }

            _documents[document] = null;
            _live--;
        }
    }

    /// <summary>Finds the documents with a word, or with a word that begins so.</summary>
    /// <param name="word">The word, folded as <see cref="TextTokens"/> does.</param>
    /// <param name="prefix">Whether words that begin with it count too.</param>
    /// <param name="found">Is given each document and its score, in no particular order.</param>
    internal void Find(string word, bool prefix, Action<int, float> found)
    {
        Sort();
        if (_scores.Length < _documents.Count)
        {
            _scores = new float[Math.Max(_documents.Count, 2 * _scores.Length)];
        }

        if (prefix)
        {
            int at = Array.BinarySearch(_sorted, word, StringComparer.Ordinal);
            for (at = at < 0 ? ~at : at; at < _sorted.Length && _sorted[at].StartsWith(word, StringComparison.Ordinal); at++)
            {
                Collect(_terms[_sortedIds[at]], _sorted[at].Length == word.Length ? 1 : OfPrefix);
            }

            foreach (string other in _unsorted)
            {
                if (other.StartsWith(word, StringComparison.Ordinal))
                {
                    Collect(_terms[_byText[other]], other.Length == word.Length ? 1 : OfPrefix);
                }
            }
        }
        else if (_byText.TryGetValue(word, out int term))
        {
            Collect(_terms[term], 1);
        }

        foreach (int document in _touched)
        {
            found(document, _scores[document]);
            _scores[document] = 0;
        }

        _touched.Clear();
    }

    /// <summary>Whether the words stand one after the other in one part of a document.</summary>
    internal bool HasPhrase(int document, ReadOnlySpan<int> terms)
    {
        foreach (int[] part in _documents[document] ?? [])
        {
            if (part.AsSpan().IndexOf(terms) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds the numbers of words; null when one of them is nowhere.</summary>
    internal int[]? TermsOf(List<string> words)
    {
        int[] terms = new int[words.Count];
        for (int i = 0; i < terms.Length; i++)
        {
            if (!_byText.TryGetValue(words[i], out terms[i]))
            {
                return null;
            }
        }

        return terms;
    }

    private void Collect(Posting posting, float share)
    {
        if (posting.Live == 0)
        {
            return;
        }

        float factor = share * (float)Math.Log(1 + ((_live - posting.Live + 0.5) / (posting.Live + 0.5)));
        for (int i = 0; i < posting.Count; i++)
        {
            int document = posting.Documents[i];
            if (_documents[document] is not null)
            {
                float score = factor * posting.Weights[i];
                if (_scores[document] == 0)
                {
                    _touched.Add(document);
                    _scores[document] = score;
                }
                else if (score > _scores[document])
                {
                    _scores[document] = score;
                }
            }
        }
    }

    private int Term(ReadOnlySpan<char> text)
    {
        if (!_bySpan.TryGetValue(text, out int term))
        {
            term = _terms.Count;
            string made = new(text);
            _byText.Add(made, term);
            _terms.Add(new Posting());
            _unsorted.Add(made);
        }

        return term;
    }

    private void Sort()
    {
        if (_unsorted.Count <= 256)
        {
            return; // looked through one by one until there are more
        }

        int old = _sorted.Length;
        Array.Resize(ref _sorted, old + _unsorted.Count);
        _unsorted.CopyTo(_sorted, old);
        _unsorted.Clear();
        Array.Sort(_sorted, StringComparer.Ordinal);
        _sortedIds = Array.ConvertAll(_sorted, t => _byText[t]);
    }

    private readonly struct TermSink(TextIndex index) : ITokenSink
    {
        public void Word(ReadOnlySpan<char> word) => index._cut.Add(index.Term(word));
    }

    private sealed class Posting
    {
        /// <summary>Gets or sets the word's weight in the document that is being added; 0 in between.</summary>
        internal double Weight { get; set; }

        internal int Count { get; private set; }

        internal int Live { get; set; }

        internal int[] Documents { get; private set; } = [];

        internal float[] Weights { get; private set; } = [];

        internal void Add(int document, float weight)
        {
            if (Count == Documents.Length)
            {
                int size = Count == 0 ? 2 : 2 * Count;
                int[] documents = new int[size];
                float[] weights = new float[size];
                Documents.AsSpan(0, Count).CopyTo(documents);
                Weights.AsSpan(0, Count).CopyTo(weights);
                (Documents, Weights) = (documents, weights);
            }

            Documents[Count] = document;
            Weights[Count++] = weight;
            Live++;
        }
    }
}
