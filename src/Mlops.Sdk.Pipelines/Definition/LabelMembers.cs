using System.Linq.Expressions;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>Finds the members that a label is made of, so that they are never trained on.</summary>
internal static class LabelMembers
{
    /// <exception cref="MlopsException">The label uses the row as a whole, so that nobody can tell what it reads; code <c>pipeline.label_opaque</c>.</exception>
    internal static IReadOnlySet<string> In(LambdaExpression label)
    {
        var whole = new WholeRow(label.Parameters[0]);
        whole.Visit(label.Body);
        IReadOnlySet<string> members = MemberName.AllIn(label);
        return !whole.Found && members.Count > 0
            ? members
            : throw new MlopsException("pipeline.label_opaque", $"The label '{label}' should be made of members of the row, as in x => x.Damage != \"None\"; {(whole.Found ? "it hands the whole row on" : "it reads none")}, so what it is made of cannot be kept out of the features.");
    }

    private sealed class WholeRow(ParameterExpression row) : ExpressionVisitor
    {
        internal bool Found { get; private set; }

        protected override Expression VisitMember(MemberExpression node) => node.Expression == row ? node : base.VisitMember(node);

        protected override Expression VisitParameter(ParameterExpression node)
        {
            Found |= node == row;
            return node;
        }
    }
}
